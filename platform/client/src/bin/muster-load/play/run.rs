//! The run: sockets open, matches begin, moves are made by the clock; one conductor hears all the news.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::mpsc,
    time::Duration,
};

use anyhow::{bail, ensure};
use muster_client::{Client, Session};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, timeout_at},
};

use super::{
    args::Args,
    audit,
    hall::{Follows, Hall},
    idle::Idle,
    memory,
    player::{News, Order, Player},
    report::{Measured, Report},
    schedule::Schedule,
};
use crate::{
    crew,
    gauges::{Gauges, Machine, own_seconds},
    progress,
};

/// How long the idle sockets are left alone to see what they cost.
const REST: Duration = Duration::from_secs(5);
/// How many players ask for their first match in a second: all at one moment is another measurement.
const FIRST_TICKETS: u32 = 500;
/// How long all matches may take to begin, beyond the time their tickets take.
const BEGIN_WITHIN: Duration = Duration::from_secs(30);
/// How long the last moves may take before they count as lost.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// After a refused ticket.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// How often it is looked how many matches there are.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a long run says that it goes on.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Orders of an idle socket, of which there are none: it lives as long as this does.
type Stay = UnboundedSender<std::convert::Infallible>;

/// Plays, and says how long it took until both players of a match were told of each move.
///
/// # Errors
/// The platform is not there, does not let the players in, or does not let all matches begin. What goes wrong later is in the
/// report.
pub async fn run(args: &Args, client: &Client) -> anyhow::Result<Report> {
    let set_up = Instant::now();
    let gauges = Gauges::new(args.reach.ops_url.as_deref())?;
    gauges.server().await?;
    let mut sessions = crew::sign_in(&args.reach, client, args.players() + args.sockets).await?;
    let idle_sessions = sessions.split_off(args.players() as usize);
    let mut conductor = seat_players(args, client, &sessions).await?;

    let mut measured = Measured { before_idle: memory::calm(&gauges).await?, ..Measured::default() };
    let (tell_lost, idle_lost) = mpsc::channel();
    let (first, second) = idle_sessions.split_at(idle_sessions.len() / 2);
    let mut idle = open_idle(args, client, first, &tell_lost).await?;
    measured.half_idle = memory::calm(&gauges).await?;
    idle.extend(open_idle(args, client, second, &tell_lost).await?);
    measured.all_idle = memory::calm(&gauges).await?;
    conductor.rest(REST).await?;
    measured.cpus_at_rest = measured
        .all_idle
        .zip(gauges.server().await?)
        .map(|(before, after)| (after.cpu_seconds - before.cpu_seconds) / REST.as_secs_f64());

    conductor.begin(args).await?;
    measured.all_begun = gauges.server().await?;
    measured.set_up_seconds = set_up.elapsed().as_secs_f64();
    conductor.measure(args, &gauges, &mut measured).await?;

    let tables: Vec<_> = conductor.hall.all().collect();
    let (compared, disagreements) = audit::disagreements(&sessions, &tables).await?;
    measured.logs_compared = compared;
    for text in disagreements {
        conductor.hall.broken(text);
    }
    let mut lost = BTreeMap::new();
    for reason in idle_lost.try_iter() {
        *lost.entry(reason).or_default() += 1;
    }
    drop(idle);
    Ok(Report::new(args, &conductor.hall, &measured, lost))
}

async fn seat_players(args: &Args, client: &Client, sessions: &[Session]) -> anyhow::Result<Conductor> {
    let sockets = crew::connect(&args.reach, client, sessions).await?;
    let run: u32 = rand::random();
    let (news, inbox) = unbounded_channel();
    let players: Vec<_> =
        sessions.iter().zip(&sockets).map(|(session, socket)| (session.player_id(), socket.seq)).collect();
    let mut orders = Vec::with_capacity(sockets.len());
    for (index, socket) in (0..).zip(sockets) {
        let (door, at_the_door) = unbounded_channel();
        tokio::spawn(socket.live(Player::new(index, run, &args.queue, news.clone()), at_the_door));
        orders.push(door);
    }
    let schedule = Schedule::new(args.matches, args.interval, args.reach.seed, Instant::now());
    let hall = Hall::new(args.mode()?, args.reach.seed, players);
    Ok(Conductor { orders, inbox, hall, schedule, asking: VecDeque::new(), counts_since: None, behind: 0 })
}

/// Sockets that only stay, as long as what this gives.
async fn open_idle(
    args: &Args,
    client: &Client,
    sessions: &[Session],
    lost: &mpsc::Sender<String>,
) -> anyhow::Result<Vec<Stay>> {
    let sockets = crew::connect(&args.reach, client, sessions).await?;
    let stay = sockets.into_iter().map(|socket| {
        let (stay, orders) = unbounded_channel();
        tokio::spawn(socket.live(Idle { lost: lost.clone() }, orders));
        stay
    });
    Ok(stay.collect())
}

struct Conductor {
    orders: Vec<UnboundedSender<Order>>,
    inbox: UnboundedReceiver<News>,
    hall: Hall,
    schedule: Schedule,
    /// Who is to ask for a match, and when, in order.
    asking: VecDeque<(Instant, u32)>,
    /// Since when what is due counts; none when it does not.
    counts_since: Option<Instant>,
    behind: u64,
}

impl Conductor {
    fn order(&self, player: u32, order: Order) {
        if let Some(door) = self.orders.get(player as usize) {
            // A player whose socket was lost takes no orders; the hall knows of the loss.
            let _ = door.send(order);
        }
    }

    /// Nobody plays, and all is heard.
    async fn rest(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.until(Instant::now() + how_long, |_| false).await.map(drop)
    }

    /// Everybody asks for a match, some a second, until all matches run.
    async fn begin(&mut self, args: &Args) -> anyhow::Result<()> {
        progress(format_args!("{} players ask for a match", args.players()));
        let now = Instant::now();
        let ask_at = |player: u32| now + Duration::from_secs(1).mul_f64(f64::from(player) / f64::from(FIRST_TICKETS));
        self.asking.extend((0..args.players()).map(|player| (ask_at(player), player)));
        let deadline = ask_at(args.players()) + BEGIN_WITHIN;
        let all = args.matches as usize;
        let begun = self.until(deadline, |conductor| conductor.schedule.seated() == all).await?;
        ensure!(
            begun,
            "only {} of {all} matches had begun by then (refused: {:?})",
            self.schedule.seated(),
            self.hall.refused
        );
        Ok(())
    }

    /// All matches are played: for a while to warm up, then for as long as is measured.
    async fn measure(&mut self, args: &Args, gauges: &Gauges, measured: &mut Measured) -> anyhow::Result<()> {
        progress(format_args!("{} matches run; warming up", self.schedule.seated()));
        self.rest(args.warm_up).await?;
        measured.over_before = self.hall.over.len();
        measured.fewest_matches = args.matches;
        measured.began = gauges.server().await?;
        let (own, machine, began) = (own_seconds(), Machine::read(), Instant::now());
        self.counts_since = Some(began);
        measured.since = Some(began);
        let end = began + Duration::from_secs(args.seconds.into());
        let mut tell = began;
        while Instant::now() < end {
            self.until((Instant::now() + LOOK_EVERY).min(end), |_| false).await?;
            let seated = u32::try_from(self.schedule.seated()).unwrap_or(u32::MAX);
            measured.fewest_matches = measured.fewest_matches.min(seated);
            if tell <= Instant::now() {
                progress(format_args!("{} moves, {seated} matches", self.hall.took.told.len()));
                tell += TELL_EVERY;
            }
        }
        self.counts_since = None;
        measured.seconds = began.elapsed().as_secs_f64();
        measured.machine_busy = machine.zip(Machine::read()).map(|(before, after)| after.busy_since(before));
        measured.generator_cpu_seconds = own.zip(own_seconds()).map(|(before, after)| after - before);
        measured.ended = gauges.server().await?;
        measured.behind = self.behind;
        // The moves go on meanwhile, so that the last that count meet what the others met.
        self.until(Instant::now() + TOLD_WITHIN, |conductor| !conductor.hall.owes()).await?;
        self.hall.close();
        self.stop().await
    }

    /// No more moves; what is on its way arrives.
    async fn stop(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(1);
        while let Ok(Some(news)) = timeout_at(deadline, self.inbox.recv()).await {
            self.hall.hear(news);
        }
        Ok(())
    }

    /// Gives orders when they are due and hears what comes, until a moment or until something is so; says whether it is.
    async fn until(&mut self, deadline: Instant, so: impl Fn(&Self) -> bool) -> anyhow::Result<bool> {
        loop {
            if so(self) {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(false);
            }
            self.give_orders(now);
            let asking = self.asking.front().map(|(at, _)| *at);
            let next = [Some(deadline), self.schedule.next_due(), asking].into_iter().flatten().min();
            match timeout_at(next.unwrap_or(deadline), self.inbox.recv()).await {
                Ok(Some(news)) => self.hear(news),
                Ok(None) => bail!("every socket is gone: {:?}", self.hall.lost),
                Err(_) => {}
            }
            while let Ok(news) = self.inbox.try_recv() {
                self.hear(news);
            }
        }
    }

    fn give_orders(&mut self, now: Instant) {
        while let Some((_, player)) = self.asking.pop_front_if(|(at, _)| *at <= now) {
            self.hall.waits(player);
            self.order(player, Order::Queue);
        }
        while let Some((due, match_id)) = self.schedule.pop(now) {
            let Some(match_id) = match_id else { continue };
            let counts = self.counts_since.is_some_and(|since| due >= since);
            match self.hall.next_move(match_id, due, counts) {
                Some((player, order)) => self.order(player, order),
                None => self.behind += u64::from(counts && self.hall.is_behind(match_id)),
            }
        }
    }

    fn hear(&mut self, news: News) {
        match self.hall.hear(news) {
            Follows::Nothing => {}
            Follows::Begun(match_id) => {
                if !self.schedule.seat(match_id) {
                    self.hall.broken(format!("{match_id} is one more than its players can play"));
                }
            }
            Follows::Free(player) => self.asking.push_front((Instant::now(), player)),
            Follows::Over(player, match_id) => {
                self.schedule.leave(match_id);
                self.asking.push_front((Instant::now(), player));
            }
            Follows::AskLater(player) => self.ask_later(player),
        }
    }

    fn ask_later(&mut self, player: u32) {
        let at = Instant::now() + ASK_AGAIN;
        let place = self.asking.partition_point(|(other, _)| *other <= at);
        self.asking.insert(place, (at, player));
    }
}
