//! Lines between a process and its services that a test can cut, as a network does.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};
use url::Url;

/// A port that passes everything on to a service, until it is cut.
#[derive(Debug)]
pub struct Wire {
    url: String,
    cut: watch::Sender<bool>,
    task: AbortHandle,
}

/// The lines of one server that was built with [`PlatformBuilder::wired`](crate::PlatformBuilder::wired).
#[derive(Debug)]
pub struct Wires {
    /// To PostgreSQL.
    pub postgres: Wire,
    /// To Redis.
    pub redis: Wire,
}

impl Wire {
    /// One to the service of this URL, whole.
    pub(crate) async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).expect("a service's URL is one");
        let host = url.host_str().expect("a service has a host").to_owned();
        let target = (host, url.port().expect("a service has a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a free port");
        let SocketAddr::V4(address) = listener.local_addr().expect("a bound port has an address") else {
            unreachable!("it was bound to an IPv4 address")
        };
        url.set_host(Some("127.0.0.1")).expect("an address is a host");
        url.set_port(Some(address.port())).expect("a service's URL takes a port");
        let (cut, is_cut) = watch::channel(false);
        let task = tokio::spawn(pass_on(listener, target, is_cut)).abort_handle();
        Self { url: url.into(), cut, task }
    }

    /// What a process is given instead of the service's own URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends every connection, and every new one as soon as it is made.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(listener: TcpListener, target: (String, u16), is_cut: watch::Receiver<bool>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let (target, mut is_cut) = (target.clone(), is_cut.clone());
        tokio::spawn(async move {
            let both = async {
                let mut far = TcpStream::connect(target).await?;
                copy_bidirectional(&mut near, &mut far).await
            };
            tokio::select! {
                // Also when the wire itself is gone.
                _ = is_cut.wait_for(|cut| *cut) => {}
                _ = both => {}
            }
        });
    }
}
