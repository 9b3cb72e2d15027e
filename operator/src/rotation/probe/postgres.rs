//! The database lets the new user in.

use std::{pin::Pin, time::Duration};

use secrecy::ExposeSecret;
use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};

use super::{Expected, NotProved, Probe};
use crate::{
    crd::secret_rotation::{PostgresProbe, PostgresTls},
    rotation::source::Material,
};

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Postgres(pub PostgresProbe);

impl Probe for Postgres {
    fn look<'p>(&'p self, expected: &'p Expected) -> Pin<Box<dyn Future<Output = Result<(), NotProved>> + Send + 'p>> {
        Box::pin(async move {
            let Material::User { name, password } = &expected.active else {
                return Err(NotProved("the version is not a database user".to_owned()));
            };
            let PostgresProbe { host, port, database, tls } = &self.0;
            let options = PgConnectOptions::new_without_pgpass()
                .host(host)
                .port(*port)
                .database(database)
                .username(name)
                .password(password.expose_secret())
                .ssl_mode(match tls {
                    PostgresTls::Verify => PgSslMode::VerifyFull,
                    PostgresTls::Require => PgSslMode::Require,
                    PostgresTls::Disable => PgSslMode::Disable,
                });
            let signed_in = async {
                let mut connection = PgConnection::connect_with(&options).await?;
                connection.ping().await?;
                connection.close().await
            };
            match tokio::time::timeout(TIMEOUT, signed_in).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => {
                    Err(NotProved(format!("{host}:{port}/{database} does not let the new user in: {error}")))
                }
                Err(_) => Err(NotProved(format!("{host}:{port}/{database} does not answer within 5 s"))),
            }
        })
    }
}
