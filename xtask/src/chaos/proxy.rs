//! What stands between players and gateways: a balancer over all of them, whose connections can be cut and silenced.
//!
//! Players know one address, as in front of a real platform, and so come back through whichever gateway lives.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

/// How long a gateway may take to accept; one that is gone refuses at once.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// How often a copying thread looks whether it is silenced.
const LOOK: Duration = Duration::from_millis(50);
/// A thread that copies needs little.
const STACK: usize = 128 * 1024;

/// The balancer. Its threads end with the process, or when their connections do.
pub struct Proxy {
    /// Where players reach it.
    pub url: String,
    shared: Arc<Shared>,
    chance: SmallRng,
}

struct Shared {
    gateways: Vec<SocketAddr>,
    turn: AtomicUsize,
    next: AtomicUsize,
    connections: Mutex<BTreeMap<usize, Connection>>,
}

/// Both ends of a connection that is being copied.
struct Connection {
    client: TcpStream,
    gateway: TcpStream,
    silent: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens on a free port.
    pub fn start(gateways: Vec<SocketAddr>, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
        let address = listener.local_addr().context("the balancer has no address")?;
        let shared = Arc::new(Shared {
            gateways,
            turn: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                spawn(move || serve(&shared, client));
            }
        });
        Ok(Self { url: format!("http://{address}"), shared, chance: SmallRng::seed_from_u64(seed) })
    }

    /// Ends half of the connections, without a goodbye. Gives their number.
    pub fn cut(&mut self) -> usize {
        let chance = &mut self.chance;
        let mut cut = 0;
        for connection in self.shared.connections().values().filter(|_| chance.random_bool(0.5)) {
            connection.end();
            cut += 1;
        }
        cut
    }

    /// Silences half of the connections: what is sent on them stays on the way. Gives their number.
    pub fn hang(&mut self) -> usize {
        let chance = &mut self.chance;
        let mut hung = 0;
        for connection in self.shared.connections().values().filter(|_| chance.random_bool(0.5)) {
            connection.silent.store(true, Ordering::SeqCst);
            hung += 1;
        }
        hung
    }

    /// Lets everything through again.
    pub fn let_through(&self) {
        for connection in self.shared.connections().values() {
            connection.silent.store(false, Ordering::SeqCst);
        }
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, BTreeMap<usize, Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next gateway that accepts.
    fn connect(&self) -> Option<TcpStream> {
        let first = self.turn.fetch_add(1, Ordering::SeqCst);
        (0..self.gateways.len())
            .map(|step| self.gateways[(first + step) % self.gateways.len()])
            .find_map(|gateway| TcpStream::connect_timeout(&gateway, CONNECT_WITHIN).ok())
    }
}

impl Connection {
    fn end(&self) {
        // One that has ended already is as good.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.gateway.shutdown(Shutdown::Both);
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    // Out of threads: the connection is dropped, which is what it is here for.
    let _ = thread::Builder::new().name("chaos-proxy".into()).stack_size(STACK).spawn(work);
}

fn serve(shared: &Arc<Shared>, client: TcpStream) {
    let Some(gateway) = shared.connect() else { return };
    let silent = Arc::new(AtomicBool::new(false));
    let Some((connection, ways)) = both_ways(client, gateway, &silent) else { return };
    let id = shared.next.fetch_add(1, Ordering::SeqCst);
    shared.connections().insert(id, connection);
    for (from, to) in ways {
        let (shared, silent) = (Arc::clone(shared), Arc::clone(&silent));
        spawn(move || {
            copy(from, to, &silent);
            // Either way's end is the end of both.
            if let Some(connection) = shared.connections().remove(&id) {
                connection.end();
            }
        });
    }
}

type Ways = [(TcpStream, TcpStream); 2];

fn both_ways(client: TcpStream, gateway: TcpStream, silent: &Arc<AtomicBool>) -> Option<(Connection, Ways)> {
    for stream in [&client, &gateway] {
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(LOOK)).ok()?;
    }
    let ways =
        [(client.try_clone().ok()?, gateway.try_clone().ok()?), (gateway.try_clone().ok()?, client.try_clone().ok()?)];
    Some((Connection { client, gateway, silent: Arc::clone(silent) }, ways))
}

fn copy(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
    let mut buffer = [0_u8; 16 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => return,
        };
        while silent.load(Ordering::SeqCst) {
            thread::sleep(LOOK);
        }
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every byte with itself.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        spawn(move || {
            for mut stream in listener.incoming().flatten() {
                spawn(move || {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
                });
            }
        });
        address
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        stream
    }

    fn answers(stream: &mut TcpStream) -> Option<bool> {
        stream.write_all(b"x").ok()?;
        match stream.read(&mut [0]) {
            Ok(0) => None,
            Ok(_) => Some(true),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Some(false),
            Err(_) => None,
        }
    }

    /// Reads what there still is, and then finds the end, or only silence.
    fn has_ended(stream: &mut TcpStream) -> bool {
        loop {
            match stream.read(&mut [0; 16]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            }
        }
    }

    #[test]
    fn connections_go_to_who_lives_and_can_be_silenced_and_cut() {
        let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut proxy = Proxy::start(vec![dead, echo()], 1).unwrap();
        let mut streams: Vec<TcpStream> = (0..16).map(|_| connect(&proxy)).collect();
        assert!(streams.iter_mut().all(|stream| answers(stream) == Some(true)));

        let hung = proxy.hang();
        assert!((1..16).contains(&hung), "{hung}");
        assert_eq!(streams.iter_mut().map(answers).filter(|answer| *answer == Some(false)).count(), hung);
        proxy.let_through();
        // What was held back arrives now, so each answers.
        assert!(streams.iter_mut().all(|stream| answers(stream) == Some(true)));

        let cut = proxy.cut();
        assert!((1..16).contains(&cut), "{cut}");
        assert_eq!(streams.iter_mut().filter_map(|stream| has_ended(stream).then_some(())).count(), cut);
        assert_eq!(answers(&mut connect(&proxy)), Some(true));
    }
}
