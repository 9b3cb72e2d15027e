//! Where pushes to the players of this process arrive.
//!
//! A subscription for each player would be simpler, but it takes 8 KB of the client library and an entry in every NATS server for
//! each idle socket. So a process has one subject, `push.<process>.<player>`; a player's key `at` in Redis names the process that
//! has their socket, and whoever sends a push is told it by the same script that numbers the push. Who is nowhere is not sent
//! anything: it is kept for them.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use async_nats::{Message, Subscriber};
use futures::task::AtomicWaker;
use futures::{Stream, StreamExt};
use muster_core::id::PlayerId;
use tokio::sync::OnceCell;

use super::PushItem;
use crate::nats::Nats;
use crate::{Result, StoreError};

/// How many pushes wait for a reader. Those after them are let go: they are in the buffer, and read from there.
const WAITING: usize = 32;

/// This process's inbox.
pub(super) struct Inbox {
    id: String,
    open: OnceCell<()>,
    readers: Mutex<Readers>,
}

#[derive(Default)]
struct Readers {
    /// Nearly always one for a player; two while a newer socket takes over.
    of: HashMap<PlayerId, Vec<Arc<Slot>>>,
    /// Nothing comes any more.
    closed: bool,
}

/// What waits for one reader.
#[derive(Default)]
struct Slot {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<PushItem>,
    /// Something was let go since the reader asked.
    missed: bool,
    closed: bool,
}

impl Inbox {
    /// One with a name that no other process has. Nothing arrives before somebody reads.
    pub fn new() -> Self {
        let id = hex::encode(&crate::fresh_secret()[..8]);
        Self { id, open: OnceCell::new(), readers: Mutex::default() }
    }

    /// What `at` says of players who read here.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A reader of a player's pushes, from the moment this returns.
    pub async fn read(self: &Arc<Self>, nats: &Nats, player: PlayerId) -> Result<PushStream> {
        let opening = async {
            let subject = nats.subject(format_args!("push.{}.*", self.id));
            let subscriber = nats.subscribe("subscribing to pushes", subject).await?;
            tokio::spawn(hand_out(subscriber, Arc::downgrade(self)));
            Ok::<_, StoreError>(())
        };
        self.open.get_or_try_init(|| opening).await?;
        let slot = Arc::new(Slot::default());
        let mut readers = self.readers();
        slot.waiting().closed = readers.closed;
        readers.of.entry(player).or_insert_with(|| Vec::with_capacity(1)).push(slot.clone());
        drop(readers);
        Ok(PushStream { inbox: self.clone(), player, slot })
    }

    /// Gives a push to the player's readers.
    pub fn deliver(&self, player: PlayerId, item: PushItem) {
        let readers = self.readers();
        // Who has left since is not here any more.
        let Some((last, others)) = readers.of.get(&player).and_then(|slots| slots.split_last()) else { return };
        others.iter().for_each(|slot| slot.put(item.clone()));
        last.put(item);
    }

    fn close(&self) {
        let mut readers = self.readers();
        readers.closed = true;
        for slot in readers.of.values().flatten() {
            slot.waiting().closed = true;
            slot.waker.wake();
        }
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn put(&self, item: PushItem) {
        let mut waiting = self.waiting();
        if waiting.items.len() < WAITING {
            waiting.items.push_back(item);
        } else {
            waiting.missed = true;
        }
        drop(waiting);
        self.waker.wake();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives each push to its player's readers, until the connection is closed for good or nobody is there to read.
async fn hand_out(mut subscriber: Subscriber, inbox: Weak<Inbox>) {
    while let Some(message) = subscriber.next().await {
        let Some(inbox) = inbox.upgrade() else { return };
        match read(&message) {
            Ok((player, item)) => inbox.deliver(player, item),
            Err(error) => tracing::warn!(%error, "skipping a push"),
        }
    }
    if let Some(inbox) = inbox.upgrade() {
        inbox.close();
    }
}

fn read(message: &Message) -> Result<(PlayerId, PushItem)> {
    let player = message.subject.rsplit('.').next().unwrap_or_default();
    let player = player.parse().map_err(|error| StoreError::corrupt("a push's subject", error))?;
    let text = String::from_utf8(message.payload.to_vec()).map_err(|error| StoreError::corrupt("a push", error))?;
    Ok((player, PushItem::from_text(text)?))
}

/// Pushes to one player, as NATS brings them. A reader who is slow misses some.
pub struct PushStream {
    inbox: Arc<Inbox>,
    player: PlayerId,
    slot: Arc<Slot>,
}

impl PushStream {
    /// Whether some were let go since this was asked last, because too many waited.
    pub(super) fn missed(&self) -> bool {
        std::mem::take(&mut self.slot.waiting().missed)
    }
}

impl Stream for PushStream {
    type Item = PushItem;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PushItem>> {
        // Registered first: what comes in between wakes.
        self.slot.waker.register(context.waker());
        let mut waiting = self.slot.waiting();
        match waiting.items.pop_front() {
            Some(item) => {
                if waiting.items.is_empty() {
                    // An idle socket keeps no room for the burst that it once had.
                    waiting.items = VecDeque::new();
                }
                Poll::Ready(Some(item))
            }
            None if waiting.closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for PushStream {
    fn drop(&mut self) {
        let mut readers = self.inbox.readers();
        if let Some(slots) = readers.of.get_mut(&self.player) {
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if slots.is_empty() {
                readers.of.remove(&self.player);
            }
        }
    }
}
