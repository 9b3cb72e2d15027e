use futures::future::join_all;
use muster_core::game::{Mode, Seat};
use muster_core::id::PlayerId;
use muster_store::{BoardCursor, BoardState, BoardWalk, Leaderboards, Ranked, Standing, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

fn standing(player_id: PlayerId, score: f64, version: u32) -> Standing {
    Standing { mode: Mode::Classic, player_id, score, version }
}

/// Players whose ids grow.
fn players<const N: usize>() -> [PlayerId; N] {
    let mut players: [PlayerId; N] = std::array::from_fn(|_| fresh_id());
    players.sort();
    players
}

/// All of the board of the classic mode, by pages of this size.
async fn board(boards: &Leaderboards, first: u32) -> Vec<Ranked> {
    let (mut all, mut after): (Vec<Ranked>, _) = (Vec::new(), None);
    loop {
        let page = boards.page(Mode::Classic, after, first).await.unwrap();
        let Some(last) = page.ranked.last() else {
            assert_eq!(page.players, all.len() as u64);
            return all;
        };
        assert!(page.ranked.len() <= first as usize);
        after = Some(BoardCursor { score: last.score, player_id: last.player_id });
        all.extend(page.ranked);
    }
}

fn names(ranked: &[Ranked]) -> Vec<PlayerId> {
    ranked.iter().map(|ranked| ranked.player_id).collect()
}

#[tokio::test]
async fn the_best_stands_first_and_ties_go_by_id_whatever_the_page() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let [a, b, c, d, e] = players();
    let other = Standing { mode: Mode::TrueGrit, ..standing(fresh_id(), 9e9, 1) };
    let told = [standing(c, 0.1, 1), standing(e, -812.25, 1), standing(a, 0.1, 1), standing(d, 2000.0, 1), other];
    boards.record(&told).await.unwrap();
    boards.record(&[standing(b, 0.1, 1)]).await.unwrap();
    boards.record(&[]).await.unwrap();
    for first in 1..=6 {
        let all = board(boards, first).await;
        assert_eq!(names(&all), [d, a, b, c, e]);
        assert!(all.iter().map(|ranked| ranked.rank).eq(1..=5));
        assert_eq!((all[0].score, all[1].score, all[4].score), (2000.0, 0.1, -812.25), "to the last bit");
    }

    // Who stood at the end of a page has moved on since: the next page begins where they stood.
    let after = BoardCursor { score: 0.1, player_id: a };
    boards.record(&[standing(a, 3000.0, 2)]).await.unwrap();
    let page = boards.page(Mode::Classic, Some(after), 10).await.unwrap();
    assert_eq!(names(&page.ranked), [b, c, e]);
    assert_eq!((page.players, page.ranked[0].rank), (5, 3));
    scratch.finish().await;
}

#[tokio::test]
async fn around_a_player_are_those_on_either_side() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let all: [PlayerId; 7] = players();
    let told: Vec<Standing> =
        all.iter().zip(0..).map(|(player, place)| standing(*player, f64::from(-place), 1)).collect();
    boards.record(&told).await.unwrap();
    for (place, neighbours, expected) in [(3, 0, 3..4), (3, 2, 1..6), (0, 2, 0..3), (6, 25, 0..7)] {
        let part = boards.around(Mode::Classic, all[place], neighbours).await.unwrap().unwrap();
        assert_eq!(names(&part.ranked), all[expected.clone()]);
        assert_eq!((part.players, part.ranked[0].rank), (7, expected.start as u64 + 1));
    }
    assert_eq!(boards.around(Mode::Classic, fresh_id(), 3).await.unwrap(), None);
    assert_eq!(boards.around(Mode::Quickfire, all[0], 3).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn what_is_told_twice_or_late_changes_nothing() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let player = fresh_id();
    let mut told: Vec<Standing> =
        (1..=20).map(|version| standing(player, f64::from(version * 7 % 11), version)).collect();
    told.extend(told.clone());
    told.reverse();
    // Some in one call, and the calls in any order.
    join_all(told.chunks(3).map(|some| boards.record(some))).await.into_iter().for_each(Result::unwrap);
    boards.record(&[standing(player, 99.0, 19)]).await.unwrap();
    let all = board(boards, 10).await;
    assert_eq!((all.len(), all[0].score), (1, f64::from(20 * 7 % 11)));
    scratch.finish().await;
}

/// Plays matches between six players, and compares the board with their ratings.
struct Ladder<'a> {
    scratch: &'a Scratch,
    all: [PlayerId; 6],
}

impl<'a> Ladder<'a> {
    fn new(scratch: &'a Scratch) -> Self {
        Self { scratch, all: players() }
    }

    /// The first one wins. The board is not told.
    async fn play(&self, first: usize, second: usize) {
        let store = &self.scratch.store;
        let new = given::new_match([self.all[first], self.all[second]]);
        store.matches.create(&new).await.unwrap();
        store.matches.settle(&given::settlement(new.match_id, given::won_by(Seat::First))).await.unwrap();
    }

    async fn play_and_tell(&self, first: usize, second: usize) {
        self.play(first, second).await;
        self.scratch.store.leaderboards.follow(&[self.all[first], self.all[second]]).await.unwrap();
    }

    async fn truth(&self) -> Vec<(PlayerId, f64)> {
        let mut truth = Vec::new();
        for player in self.all {
            let rating = self.scratch.store.ratings.of(player, Mode::Classic).await.unwrap();
            if rating.matches > 0 {
                truth.push((player, rating.rating.floor()));
            }
        }
        truth.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
        truth
    }

    async fn told(&self) -> Vec<(PlayerId, f64)> {
        let board = board(&self.scratch.store.leaderboards, 4).await;
        board.into_iter().map(|ranked| (ranked.player_id, ranked.score)).collect()
    }

    fn key(&self, end: &str) -> String {
        format!("{}{{leaderboard:classic}}{end}", self.scratch.prefix())
    }
}

/// How the board of the classic mode is.
async fn state(boards: &Leaderboards) -> BoardState {
    boards.states().await.unwrap().into_iter().find(|state| state.mode == Mode::Classic).unwrap()
}

#[tokio::test]
async fn boards_that_redis_lost_are_made_again_while_matches_settle() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let ladder = Ladder::new(&scratch);
    assert_eq!(boards.mend(now()).await.unwrap(), Some(0), "no board was ever made");
    assert_eq!(boards.mend(now()).await.unwrap(), None);
    ladder.play(0, 1).await;
    ladder.play(2, 0).await;
    boards.follow(&ladder.all).await.unwrap();
    assert_eq!(ladder.told().await, ladder.truth().await);
    assert_eq!(boards.mend(now()).await.unwrap(), None, "what was told belongs to a whole board");

    let mut redis = given::redis(&scratch).await;
    let (scores, versions) = (ladder.key(""), ladder.key(":versions"));
    for lost in [&[&scores][..], &[&versions], &[&scores, &versions, &ladder.key(":state")]] {
        let _: () = redis::cmd("DEL").arg(lost).query_async(&mut redis).await.unwrap();
        // Somebody plays on before and while it is made again, by two processes at once.
        ladder.play_and_tell(3, 4).await;
        assert!(!state(boards).await.whole);
        let (one, other, ()) = tokio::join!(boards.mend(now()), boards.mend(now()), ladder.play_and_tell(1, 5));
        assert!(one.unwrap().is_some() | other.unwrap().is_some(), "one of them does it");
        assert_eq!(ladder.told().await, ladder.truth().await);
        assert_eq!(boards.mend(now()).await.unwrap(), None);
    }

    // Redis has started again, and may have forgotten its last second.
    let mut earlier = redis::cmd("HSET");
    earlier.arg(ladder.key(":state")).arg("whole").arg("another run");
    let _: () = earlier.query_async(&mut redis).await.unwrap();
    assert_eq!(boards.mend(now()).await.unwrap(), Some(6));
    scratch.finish().await;
}

#[tokio::test]
async fn a_board_that_is_wrong_is_right_again_when_somebody_asks() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let ladder = Ladder::new(&scratch);
    ladder.play_and_tell(0, 1).await;
    let before = now();
    assert_eq!(boards.mend(before).await.unwrap(), Some(2));
    let made = state(boards).await;
    assert_eq!((made.whole, made.building), (true, false));
    assert_eq!(made.made_at.unwrap().timestamp_millis(), before.timestamp_millis());

    // A player with too good a score of a match that never was, and one whom PostgreSQL does not know.
    let (wrong, stranger) = (standing(ladder.all[1], 9e6, 700), standing(fresh_id(), 5.0, 1));
    boards.record(&[wrong, stranger]).await.unwrap();
    ladder.play_and_tell(2, 1).await;
    assert_eq!(boards.mend(now()).await.unwrap(), None, "nobody sees it");
    assert_ne!(ladder.told().await, ladder.truth().await);
    boards.ask_rebuild(Mode::Classic).await.unwrap();
    boards.ask_rebuild(Mode::Classic).await.unwrap();
    assert!(!state(boards).await.whole);
    assert_eq!(ladder.told().await.len(), 4, "until then it is read as it is");
    assert_eq!(boards.mend(now()).await.unwrap(), Some(3));
    assert_eq!(ladder.told().await, ladder.truth().await);
    assert!(state(boards).await.whole);
    scratch.finish().await;
}

#[tokio::test]
async fn of_many_who_build_at_once_the_last_one_wins_and_nothing_is_lost() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let ladder = Ladder::new(&scratch);
    let mut redis = given::redis(&scratch).await;
    let turn = format!("{}{{leaderboard}}:rebuilder", scratch.prefix());
    for round in 0..8 {
        boards.ask_rebuild(Mode::Classic).await.unwrap();
        // As if each had waited too long for the one before it.
        let builders = join_all((0..4).map(|_| {
            let (mut redis, turn) = (redis.clone(), turn.clone());
            async move {
                let _: () = redis::cmd("DEL").arg(turn).query_async(&mut redis).await.unwrap();
                boards.mend(now()).await.unwrap()
            }
        }));
        let (built, ()) = tokio::join!(builders, ladder.play_and_tell(round % 6, (round + 1) % 6));
        if built.iter().all(Option::is_none) {
            let _: () = redis::cmd("DEL").arg(&turn).query_async(&mut redis).await.unwrap();
            boards.mend(now()).await.unwrap().expect("nobody else is at it");
        }
        assert_eq!(ladder.told().await, ladder.truth().await, "round {round}");
        assert!(state(boards).await.whole);
    }
    scratch.finish().await;
}

#[tokio::test]
async fn boards_and_ratings_can_be_read_side_by_side() {
    let scratch = Scratch::new().await;
    let boards = &scratch.store.leaderboards;
    let ladder = Ladder::new(&scratch);
    ladder.play_and_tell(0, 1).await;
    ladder.play(2, 3).await;
    let (mut all, mut page) = (Vec::new(), boards.ratings(None, 3).await.unwrap());
    while let Some(last) = page.last().copied() {
        all.extend(page);
        page = boards.ratings(Some(&last), 3).await.unwrap();
    }
    let rated: Vec<PlayerId> = all.iter().map(|rating| rating.standing.player_id).collect();
    assert_eq!(rated, ladder.all[..4]);
    assert_eq!(boards.ratings_of(&ladder.all).await.unwrap().len(), 4);

    let expected: Vec<Standing> = all.iter().map(|rating| rating.standing).collect();
    let stood = boards.stood(&expected).await.unwrap();
    assert_eq!(stood, [Some(expected[0]), Some(expected[1]), None, None]);
    let (mut walk, mut met) = (BoardWalk::of(Mode::Classic), Vec::new());
    while let Some(some) = boards.walk(&mut walk).await.unwrap() {
        met.extend(some);
    }
    met.sort();
    assert_eq!(met, ladder.all[..2]);
    scratch.finish().await;
}
