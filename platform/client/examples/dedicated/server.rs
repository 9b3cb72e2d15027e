//! The server: what it says to the platform, and to those who connect.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use muster_client::{
    GameServer, JoinCheck, JoinError, TrustedServer,
    core::{
        id::{MatchId, PlayerId},
        wire::{JoinClaims, RegisterServer, ReportPlayers, ReportResult, ServerMatchView, ServerReport, ServerState},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{interval, timeout},
};

use crate::game;

/// How often it says that it is there: matches are told in the answers.
const BEAT: Duration = Duration::from_millis(500);
/// How long a connection may take to show its token, and a match to have everybody there.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    inner: Arc<Inner>,
    tasks: [JoinHandle<()>; 2],
}

struct Inner {
    game: GameServer,
    check: Mutex<JoinCheck>,
    /// Who is connected, by match. A watch: whoever plays a match waits until everybody is there.
    tables: Mutex<HashMap<MatchId, watch::Sender<HashMap<PlayerId, Seat>>>>,
    over: watch::Sender<HashMap<MatchId, ServerMatchView>>,
}

/// Where a connected player is told what happens.
#[derive(Clone)]
struct Seat(Arc<Mutex<TcpStream>>);

/// Registers and serves on a free port of this machine.
pub async fn start(trusted: &TrustedServer, queue: &str) -> Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let registered = RegisterServer {
        address: listener.local_addr()?.to_string(),
        region: None,
        build: Some(env!("CARGO_PKG_VERSION").to_owned()),
        labels: Default::default(),
        queues: vec![queue.to_owned()],
        capacity: 4,
    };
    let game = trusted.register_server(&registered).await.context("registering")?;
    println!("server  {} registered, players connect to {}", game.server_id(), registered.address);
    let check = Mutex::new(game.join_check().await?);
    let inner = Arc::new(Inner { game, check, tables: Mutex::default(), over: watch::Sender::default() });
    let tasks = [tokio::spawn(inner.clone().beat()), tokio::spawn(inner.clone().listen(listener))];
    Ok(Server { inner, tasks })
}

impl Server {
    /// The match once it is over.
    pub async fn over(&self, match_id: MatchId) -> Result<ServerMatchView> {
        let mut over = self.inner.over.subscribe();
        let over = timeout(PATIENCE, over.wait_for(|over| over.contains_key(&match_id))).await??;
        over.get(&match_id).cloned().context("it is there")
    }

    /// Takes nothing new, and waits until the platform says that it is gone.
    pub async fn drain(self) -> Result<ServerState> {
        println!("server  drains: {}", self.inner.game.drain().await?.state.as_str());
        let mut looks = interval(BEAT);
        let state = loop {
            looks.tick().await;
            let state = self.inner.game.view().await?.state;
            if state.is_over() {
                break state;
            }
        };
        self.tasks.iter().for_each(JoinHandle::abort);
        Ok(state)
    }
}

impl Inner {
    /// Says that it is there, and takes up what it is given.
    async fn beat(self: Arc<Self>) {
        let mut beats = interval(BEAT);
        loop {
            beats.tick().await;
            let orders = match self.game.heartbeat(ServerReport::Ready, None).await {
                Ok(orders) if orders.server.state.is_over() => return,
                Ok(orders) => orders,
                Err(error) => {
                    println!("server  no heartbeat: {error}");
                    continue;
                }
            };
            for given in orders.matches {
                if self.game.start(given.match_id, given.roster).await.is_ok() {
                    println!("server  {} begins", given.match_id);
                    tokio::spawn(self.clone().play(given));
                }
            }
        }
    }

    async fn listen(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move {
                if let Err(error) = timeout(PATIENCE, server.let_in(stream)).await.map_err(Into::into).flatten() {
                    println!("server  refuses somebody: {error:#}");
                }
            });
        }
    }

    /// The first line of a connection is its token; nothing else is asked of the platform to know who it is.
    async fn let_in(&self, stream: TcpStream) -> Result<()> {
        let mut reader = BufReader::new(stream);
        let mut token = String::new();
        reader.read_line(&mut token).await?;
        let claims = self.check(token.trim()).await?;
        println!("server  lets {} in, team {}", claims.sub, claims.team);
        let mut stream = reader.into_inner();
        stream.write_all(format!("welcome to team {}\n", claims.team).as_bytes()).await?;
        self.game.players(claims.mid, &ReportPlayers { joined: vec![claims.sub], left: Vec::new() }).await?;
        let mut tables = self.tables.lock().await;
        tables.entry(claims.mid).or_default().send_modify(|table| {
            // A second line of the same player takes the place of the first.
            table.insert(claims.sub, Seat(Arc::new(Mutex::new(stream))));
        });
        Ok(())
    }

    async fn check(&self, token: &str) -> Result<JoinClaims> {
        let checked = self.check.lock().await.check(token);
        match checked {
            // The platform has changed its key since: its set has both.
            Err(JoinError::UnknownKey) => {
                let renewed = self.game.join_check().await?;
                *self.check.lock().await = renewed.clone();
                Ok(renewed.check(token)?)
            }
            checked => Ok(checked?),
        }
    }

    async fn play(self: Arc<Self>, given: ServerMatchView) {
        match self.play_out(&given).await {
            Ok(over) => self.over.send_modify(|ended| {
                ended.insert(given.match_id, over);
            }),
            Err(error) => println!("server  {} went wrong: {error:#}", given.match_id),
        }
    }

    async fn play_out(&self, given: &ServerMatchView) -> Result<ServerMatchView> {
        let expected: usize = given.teams.iter().map(Vec::len).sum();
        let mut table = self.tables.lock().await.entry(given.match_id).or_default().subscribe();
        let everybody = table.wait_for(|table| table.len() == expected);
        let seats = timeout(PATIENCE, everybody).await.ok().and_then(Result::ok).map(|seats| seats.clone());
        let Some(seats) = seats else {
            let off = ReportResult::Abandoned { reason: "not_everybody_came".to_owned() };
            self.game.report(given.match_id, &off).await?;
            bail!("not everybody came");
        };
        let players: Vec<PlayerId> = seats.keys().copied().collect();
        let cards = game::draw(&players);
        for (player, card) in &cards {
            println!("server  {player} draws {card}");
            if let Some(Seat(stream)) = seats.get(player) {
                // Who is not there any more hears of it from the platform.
                let _ = stream.lock().await.write_all(format!("your card is {card}\n").as_bytes()).await;
            }
        }
        let over =
            self.game.report(given.match_id, &game::result(given, &cards)).await.context("reporting the result")?;
        self.tables.lock().await.remove(&given.match_id);
        Ok(over)
    }
}
