use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::{ApiError, model::Staff};

/// Who is signed in.
#[server(endpoint = "me", input = GetUrl)]
pub(crate) async fn fetch_me() -> Result<Staff, ApiError> {
    use crate::{queries, upstream::ask};

    Ok(ask::<queries::Me>(queries::me::Variables {}).await?.me.into())
}
