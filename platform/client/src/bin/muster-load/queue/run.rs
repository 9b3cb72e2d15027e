//! The run: players come, wait, and are told what to do; one conductor hears all their news.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context, bail};
use muster_client::{
    Client, Session,
    core::{
        id::{MatchId, PlayerId},
        matchmaking::shipped_queues,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, timeout_at},
};

use super::{
    args::Args,
    book::{Book, Follows},
    player::{News, Order, Player, What},
    report::{Measured, Report},
    tickets,
    wire::Heard,
};
use crate::{
    crew,
    gauges::{Gauges, Machine, own_seconds},
    percentiles::rounded,
    progress,
};

/// Between the last connection or match and what is measured next: what was begun is to be done.
const REST: Duration = Duration::from_secs(1);
/// How long it takes until a refused leave is tried again.
const LEAVE_AGAIN: Duration = Duration::from_millis(250);
/// How long warming up may take.
const WARM_WITHIN: Duration = Duration::from_secs(30);
/// How often a long run says that it goes on.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Signs everybody in, lets them queue, and says how long it took.
///
/// # Errors
/// When the platform is not there or does not let the players in. What goes wrong later is in the report.
pub async fn run(args: &Args, client: &Client) -> anyhow::Result<Report> {
    let began = Instant::now();
    let gauges = Gauges::new(args.reach.ops_url.as_deref())?;
    gauges.server().await?;
    // Request ids of an earlier run with the same players would mean its tickets.
    let run: u32 = rand::random();
    let rules = shipped_queues().into_iter().find(|queue| queue.name == args.queue);
    let regions: Vec<&str> = match &rules {
        Some(queue) if args.latencies => queue.regions.iter().map(|region| region.name.as_str()).collect(),
        None if args.latencies => {
            bail!("--latencies: {} is none of the shipped queues, whose regions are known", args.queue)
        }
        _ => Vec::new(),
    };
    let sessions = crew::sign_in(&args.reach, client, args.players() + args.warm_up).await?;
    let sockets = crew::connect(&args.reach, client, &sessions).await?;

    let (news, inbox) = unbounded_channel();
    let mut orders = Vec::with_capacity(sockets.len());
    for (index, socket) in (0..).zip(sockets) {
        let player = Player::new(index, run, &args.queue, &regions, news.clone())?;
        let (door, at_the_door) = unbounded_channel();
        tokio::spawn(socket.live(player, at_the_door));
        orders.push(door);
    }
    drop(news);
    let ids: Vec<PlayerId> = sessions.iter().map(Session::player_id).collect();
    let mut conductor = Conductor { orders, inbox, book: Book::new(&args.queue, rules.as_ref(), &ids), left: 0 };
    conductor.rest().await?;
    if args.warm_up > 0 {
        conductor.warm_up(args.players()..args.players() + args.warm_up).await?;
        conductor.book.begin();
        conductor.left = 0;
    }
    let set_up = began.elapsed();

    let mut measured = conductor.measure(args, &gauges).await?;
    conductor.book.close();
    for text in tickets::disagreements(&sessions, conductor.book.last_tickets()).await? {
        conductor.book.broken(text);
    }
    measured.left = conductor.left;
    let report = Report::new(&conductor.book, measured, &args.queue, args.players(), args.rate);
    Ok(Report { warm_up: args.warm_up, set_up_seconds: rounded(set_up.as_secs_f64()), ..report })
}

struct Conductor {
    orders: Vec<UnboundedSender<Order>>,
    inbox: UnboundedReceiver<News>,
    book: Book,
    left: u64,
}

impl Conductor {
    fn order(&self, player: u32, order: Order) {
        if let Some(door) = usize::try_from(player).ok().and_then(|player| self.orders.get(player)) {
            // A player whose socket was lost takes no orders; the book knows of the loss.
            let _ = door.send(order);
        }
    }

    fn queue(&mut self, player: u32, since: Option<Instant>) {
        let wish = self.book.wish(player);
        self.order(player, Order::Queue { wish, since });
    }

    /// Waits for news until `deadline`, and says what follows from them; none when it has passed.
    async fn hear_until(&mut self, deadline: Instant) -> anyhow::Result<Option<Follows>> {
        match timeout_at(deadline, self.inbox.recv()).await {
            Ok(Some(news)) => {
                self.try_leaving_again(&news);
                Ok(Some(self.book.hear(news)))
            }
            Ok(None) => bail!("every socket is gone: {:?}", self.book.lost()),
            Err(_) => Ok(None),
        }
    }

    /// A match may be so young that it cannot be left yet.
    fn try_leaving_again(&self, news: &News) {
        if let What::Heard(Heard::LeaveRefused(match_id, code)) = &news.what
            && code != "match_over"
            && let Some(door) = usize::try_from(news.player).ok().and_then(|player| self.orders.get(player))
        {
            let (door, order) = (door.clone(), Order::Leave(*match_id));
            tokio::spawn(async move {
                tokio::time::sleep(LEAVE_AGAIN).await;
                // Nobody takes orders any more when the run is over.
                let _ = door.send(order);
            });
        }
    }

    async fn rest(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + REST;
        while self.hear_until(until).await?.is_some() {}
        Ok(())
    }

    fn leave(&mut self, player: u32, match_id: MatchId) {
        self.left += 1;
        self.order(player, Order::Leave(match_id));
    }

    /// These players queue, are matched, and leave; then all is quiet again.
    async fn warm_up(&mut self, players: std::ops::Range<u32>) -> anyhow::Result<()> {
        progress(format_args!("{} players warm up", players.len()));
        let (mut waiting, deadline) = (players.len(), Instant::now() + WARM_WITHIN);
        for player in players {
            self.queue(player, None);
        }
        while waiting > 0 {
            match self.hear_until(deadline).await? {
                Some(Follows::Leave(player, match_id)) => self.leave(player, match_id),
                Some(Follows::Free(_)) => waiting -= 1,
                Some(Follows::Nothing) => {}
                None => bail!(
                    "warming up: {waiting} players had not been matched and freed after {WARM_WITHIN:?} (refused: {:?})",
                    self.book.refused()
                ),
            }
        }
        let (violations, examples) = self.book.violations();
        if violations > 0 {
            bail!("warming up: {}", examples.join("; "));
        }
        self.rest().await
    }

    async fn measure(&mut self, args: &Args, gauges: &Gauges) -> anyhow::Result<Measured> {
        let server = gauges.server().await?;
        let (own, machine) = (own_seconds(), Machine::read());
        let began = Instant::now();
        let starved = match args.rate {
            None => {
                self.burst(args).await?;
                0
            }
            Some(rate) => self.steady(args, rate).await?,
        };
        let seconds = began.elapsed().as_secs_f64();
        let machine_busy = machine.zip(Machine::read()).map(|(before, after)| after.busy_since(before));
        let generator_cpu_seconds = own.zip(own_seconds()).map(|(before, after)| after - before);
        // What the server put off until the players had their message is part of the ticket's cost.
        self.rest().await?;
        let server_cpu_seconds =
            server.zip(gauges.server().await?).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
        Ok(Measured { seconds, starved, server_cpu_seconds, generator_cpu_seconds, machine_busy, left: 0 })
    }

    /// All at one moment.
    async fn burst(&mut self, args: &Args) -> anyhow::Result<()> {
        progress(format_args!("{} players queue", args.players()));
        for player in 0..args.players() {
            self.queue(player, None);
        }
        let deadline = Instant::now() + args.patience;
        while !self.book.is_settled() && self.hear_until(deadline).await?.is_some() {}
        Ok(())
    }

    /// By the clock: gaps between tickets are exponential, as those of many people who know nothing of each other. Gives how
    /// many tickets nobody was free to ask for.
    async fn steady(&mut self, args: &Args, rate: u32) -> anyhow::Result<u64> {
        // Whoever has enough players leaves nobody's match: then only queueing is measured.
        let total = rate.checked_mul(args.seconds).context("that many tickets cannot be counted")?;
        let leave = total > args.players();
        progress(format_args!(
            "{rate} tickets a second for {} s; {}",
            args.seconds,
            if leave {
                "a player of each match leaves it, so that both can queue again"
            } else {
                "nobody queues twice"
            }
        ));
        let mut rng = StdRng::seed_from_u64(args.reach.seed);
        let mut gap = || Duration::from_secs_f64(-(1.0 - rng.random::<f64>()).ln() / f64::from(rate));
        let mut free: VecDeque<u32> = (0..args.players()).collect();
        let (mut starved, mut come) = (0, 0);
        let began = Instant::now();
        let (mut due, mut tell) = (began + gap(), began + TELL_EVERY);
        while come < total {
            while due <= Instant::now() && come < total {
                come += 1;
                match free.pop_front() {
                    Some(player) => self.queue(player, Some(due)),
                    None => starved += 1,
                }
                due += gap();
            }
            if tell <= Instant::now() {
                progress(format_args!("{come} of {total} tickets, {} matches", self.book.matches()));
                tell += TELL_EVERY;
            }
            let follows = self.hear_until(due).await?;
            self.follow(follows, leave, &mut free);
        }
        let deadline = Instant::now() + args.patience;
        while !self.book.is_settled() {
            match self.hear_until(deadline).await? {
                None => break,
                follows => self.follow(follows, leave, &mut free),
            }
        }
        Ok(starved)
    }

    fn follow(&mut self, follows: Option<Follows>, leave: bool, free: &mut VecDeque<u32>) {
        match follows {
            Some(Follows::Leave(player, match_id)) if leave => self.leave(player, match_id),
            Some(Follows::Free(player)) => free.push_back(player),
            _ => {}
        }
    }
}
