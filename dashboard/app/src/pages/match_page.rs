//! One match: who plays, how it stands, what its dice were, and whether they were what was promised.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::match_log::MatchLog;
use crate::{
    api,
    components::{Ago, Dice, ErrorState, SkeletonMatch, StateBadge},
    format, live,
    model::{Board, MatchDetail, MatchEvent, MatchState, Seat},
    payload::resource,
    queries,
};

/// How often a match that has just ended is asked for its result.
const SETTLE_TRIES: u64 = 6;

/// The match of the address.
#[component]
pub(crate) fn MatchPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let found = resource(move || id.get(), api::fetch_match);
    view! {
        <Suspense fallback=SkeletonMatch>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(Some(found)) => view! { <Moving start=found/> }.into_any(),
                    Ok(None) => view! { <NoSuchMatch/> }.into_any(),
                    Err(error) => view! {
                        <Title text="Match"/>
                        <div class="page-head"><h1>"Match"</h1></div>
                        <ErrorState error/>
                    }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn NoSuchMatch() -> impl IntoView {
    view! {
        <Title text="No such match"/>
        <div class="page-head">
            <h1>"There is no such match"</h1>
            <p class="lead">"Its id may be mistyped. Old matches stay; they are not deleted."</p>
        </div>
        <p><a class="button" href="/matches">"All matches"</a></p>
    }
    .into_any()
}

/// Starts with what the server rendered; while the match runs, goes on with what the subscription brings.
#[component]
fn Moving(start: MatchDetail) -> impl IntoView {
    let log = RwSignal::new(start.events.clone());
    let title = format!("{} vs {}", start.name_of(Seat::First), start.name_of(Seat::Second));
    let (id, began, running) = (start.id.clone(), start.created_at, start.state == MatchState::Running);
    let detail = RwSignal::new(start);
    if running {
        let asked = id.clone();
        live::subscribe::<queries::MatchEvents>(
            move || queries::match_events::Variables {
                id: asked.clone(),
                after: log.with_untracked(|log| log.last().map_or(0, |event| event.seq)),
            },
            move |data| {
                if append(log, data.match_events.into_iter().map(MatchEvent::from)) {
                    settle(detail, log, 1);
                }
            },
        );
    }
    let board = Memo::new(move |_| Board::of(&log.read()));
    view! {
        <Title text=title.clone()/>
        <div class="page-head">
            <p class="crumb"><a href="/matches">"Matches"</a></p>
            <h1>{title}</h1>
            <p class="lead mono">{id}</p>
        </div>
        <Scoreboard detail board/>
        <Facts detail/>
        <MatchLog log began/>
    }
    .into_any()
}

/// Adds what is new; says whether the match has ended with it.
fn append(log: RwSignal<Vec<MatchEvent>>, events: impl Iterator<Item = MatchEvent>) -> bool {
    let mut ended = false;
    log.try_update(|log| {
        for event in events {
            if event.seq > log.last().map_or(0, |last| last.seq) {
                ended |= event.ends_the_match();
                log.push(event);
            }
        }
    });
    ended
}

/// The last event is told a moment before the result is written, so ask until it is there.
fn settle(detail: RwSignal<MatchDetail>, log: RwSignal<Vec<MatchEvent>>, attempt: u64) {
    let Some(id) = detail.try_with_untracked(|detail| detail.id.clone()) else { return };
    spawn_local(async move {
        match api::fetch_match(id).await {
            Ok(Some(found)) if found.state == MatchState::Finished => {
                append(log, found.events.iter().cloned());
                let _ = detail.try_set(found);
            }
            _ if attempt < SETTLE_TRIES => {
                set_timeout(move || settle(detail, log, attempt + 1), Duration::from_millis(400 * attempt))
            }
            _ => {}
        }
    });
}

/// Both players, their totals, and the turn between them.
#[component]
fn Scoreboard(detail: RwSignal<MatchDetail>, board: Memo<Board>) -> impl IntoView {
    view! {
        <section class="board" aria-labelledby="board-title">
            <h2 id="board-title" class="visually-hidden">"Score"</h2>
            <PlayerCard detail board seat=Seat::First/>
            <Middle detail board/>
            <PlayerCard detail board seat=Seat::Second/>
        </section>
    }
    .into_any()
}

#[component]
fn PlayerCard(detail: RwSignal<MatchDetail>, board: Memo<Board>, seat: Seat) -> impl IntoView {
    let total = move || {
        let live = board.read().totals.map(|totals| totals[seat.index()]);
        format::count(live.or_else(|| detail.read().player(seat).map(|player| player.total)).unwrap_or_default())
    };
    let class = move || {
        let turn = board.read().turn == Some(seat);
        let winner = detail.read().winner() == Some(seat);
        match (turn, winner) {
            (_, true) => "card player player-winner",
            (true, _) => "card player player-turn",
            _ => "card player",
        }
    };
    let seat_mark = match seat {
        Seat::First => "seat-mark seat-first",
        Seat::Second => "seat-mark seat-second",
    };
    let mark = move || {
        if detail.read().winner() == Some(seat) {
            Some("Winner")
        } else if board.read().turn == Some(seat) {
            Some("To move")
        } else {
            None
        }
    };
    let rating = move || {
        detail.read().player(seat).map(|player| match (player.rating_before, player.rating_after) {
            (Some(before), Some(after)) => {
                format!(
                    "Rating {} \u{2192} {} ({})",
                    format::rating(before),
                    format::rating(after),
                    format::change(before, after)
                )
            }
            (Some(before), None) => format!("Rating {}", format::rating(before)),
            _ => "Unrated".to_owned(),
        })
    };
    view! {
        <article class=class>
            <p class="player-name">
                <strong class="player-who">
                    <span class=seat_mark aria-hidden="true"></span>
                    {move || detail.read().name_of(seat).to_owned()}
                </strong>
                {move || mark().map(|mark| view! { <span class="badge badge-accent">{mark}</span> })}
            </p>
            <p class="player-total"><span class="visually-hidden">"Total "</span>{total}</p>
            <p class="sub">{rating}</p>
        </article>
    }
    .into_any()
}

/// What is on the table, or how it ended.
#[component]
fn Middle(detail: RwSignal<MatchDetail>, board: Memo<Board>) -> impl IntoView {
    let finished = move || detail.read().state == MatchState::Finished;
    let dice = move || board.read().last_roll.map(|faces| view! { <Dice faces/> });
    view! {
        <div class="middle">
            {move || view! { <StateBadge state=detail.read().state/> }}
            <div class="middle-dice">{dice}</div>
            {move || if finished() {
                let text = detail.read().outcome.as_ref().map(|outcome| outcome.sentence(&detail.read().players));
                view! { <p class="middle-result">{text}</p> }.into_any()
            } else {
                let board = board.get();
                view! {
                    <p class="middle-turn">
                        <span>"Turn " <strong>{format::count(board.turn_score)}</strong></span>
                        <span>"Multiplier " <strong>"×" {board.multiplier}</strong></span>
                    </p>
                }.into_any()
            }}
        </div>
    }
    .into_any()
}

/// Mode, times, quality, and the proof of the dice.
#[component]
fn Facts(detail: RwSignal<MatchDetail>) -> impl IntoView {
    move || {
        let detail = detail.read();
        let at = detail.answered_at;
        let took = detail.ended_at.map(|ended| format::duration(ended - detail.created_at));
        let seed = detail.seed.clone().map_or_else(
            || view! { <span class="quiet">"Published when the match is over"</span> }.into_any(),
            |seed| view! { <code>{seed}</code> }.into_any(),
        );
        let proof = detail.seed_matches.map(|matches| {
            if matches {
                view! { <p class="proof proof-good">"Checked: the SHA-256 of the seed is the commitment."</p> }
            } else {
                view! { <p class="proof proof-bad">"The SHA-256 of the seed is not the commitment. Keep this match and tell an engineer."</p> }
            }
        });
        view! {
            <section class="card facts" aria-labelledby="facts-title">
                <h2 id="facts-title">"Facts"</h2>
                <dl>
                    <div><dt>"Mode"</dt><dd>{format::name(&detail.mode)}</dd></div>
                    <div><dt>"Queue"</dt><dd>{detail.queue.clone()}</dd></div>
                    <div><dt>"Quality"</dt><dd>{detail.quality.map_or_else(|| "Unknown".to_owned(), format::percent)}</dd></div>
                    <div><dt>"Started"</dt><dd><Ago at=detail.created_at rendered_at=at/></dd></div>
                    <div><dt>"Ended"</dt><dd>{match detail.ended_at {
                        Some(ended) => view! { <Ago at=ended rendered_at=at/> }.into_any(),
                        None => view! { <span class="quiet">"Still running"</span> }.into_any(),
                    }}</dd></div>
                    <div><dt>"Took"</dt><dd>{took.unwrap_or_else(|| "\u{2013}".to_owned())}</dd></div>
                    <div class="fact-long"><dt>"Commitment"</dt><dd><code>{detail.commitment.clone()}</code></dd></div>
                    <div class="fact-long"><dt>"Seed"</dt><dd>{seed}{proof}</dd></div>
                </dl>
            </section>
        }
        .into_any()
    }
}
