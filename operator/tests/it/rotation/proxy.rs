//! Stands between the operator and Vault: passes requests on, refuses them, is slow, or loses the answer to one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What happens to requests.
#[derive(Debug, Clone, Default)]
pub enum Mood {
    /// They are passed on.
    #[default]
    Well,
    /// They are answered as a sealed Vault does.
    Sealed,
    /// They are passed on after a while.
    Slow(Duration),
    /// The first whose request line has this part is passed on, and its answer never comes; then [`Proxy::lost`] returns.
    LosesAnswer(String),
    /// The first whose request line has this part is not passed on and never answered; then [`Proxy::lost`] returns.
    LosesRequest(String),
}

/// A proxy. It ends with the test's runtime.
pub struct Proxy {
    /// Its URL.
    pub url: String,
    mood: Arc<Mutex<Mood>>,
    lost: Arc<Notify>,
}

impl Proxy {
    /// Before `target`, a URL `http://host:port`.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let target = target.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (mood, lost) = (Arc::new(Mutex::new(Mood::Well)), Arc::new(Notify::new()));
        let proxy = Self { url, mood: mood.clone(), lost: lost.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, target.clone(), mood.clone(), lost.clone()));
            }
        });
        proxy
    }

    /// From now on.
    pub fn set(&self, mood: Mood) {
        *self.mood.lock().expect("the mood") = mood;
    }

    /// Waits until the answer was lost.
    pub async fn lost(&self) {
        tokio::time::timeout(super::SOON, self.lost.notified()).await.expect("the request that was to be lost");
    }
}

/// One request a connection: the answer says that it is the last.
async fn serve(mut client: TcpStream, target: String, mood: Arc<Mutex<Mood>>, lost: Arc<Notify>) {
    let Some(request) = read_request(&mut client).await else { return };
    let line = String::from_utf8_lossy(request.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    let mut loses = false;
    let now = mood.lock().expect("the mood").clone();
    match now {
        Mood::Well => {}
        Mood::Sealed => {
            let body = r#"{"errors":["Vault is sealed"]}"#;
            let head = format!(
                "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
            return;
        }
        Mood::Slow(pause) => tokio::time::sleep(pause).await,
        Mood::LosesAnswer(part) | Mood::LosesRequest(part) if !line.contains(&part) => {}
        Mood::LosesAnswer(_) => {
            loses = true;
            *mood.lock().expect("the mood") = Mood::Well;
        }
        Mood::LosesRequest(_) => {
            *mood.lock().expect("the mood") = Mood::Well;
            lost.notify_one();
            // The one who asked waits; the test kills it.
            tokio::time::sleep(super::SOON).await;
            return;
        }
    }
    let Ok(mut vault) = TcpStream::connect(target).await else { return };
    let _ = vault.write_all(&request).await;
    let mut answer = Vec::new();
    let _ = vault.read_to_end(&mut answer).await;
    if loses {
        lost.notify_one();
        // The one who asked waits; the test kills it.
        tokio::time::sleep(super::SOON).await;
    }
    let _ = client.write_all(&answer).await;
}

/// The whole request, told to close the connection.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse().ok()))
        .unwrap_or(0_usize);
    while bytes.len() < head + length {
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let lines: Vec<_> =
        text.trim_end().lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")).collect();
    let mut request = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n")).into_bytes();
    request.extend_from_slice(&bytes[head..]);
    Some(request)
}
