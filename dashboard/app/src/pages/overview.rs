//! The platform at a glance: numbers that move, and the last hour.

use chrono::TimeDelta;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;

use crate::{
    api,
    chart::{Chart, Tone},
    components::{ErrorState, SkeletonOverview},
    format, live,
    model::{ActivityPoint, LiveCounts, Overview},
    payload::resource,
    queries,
};

/// How often the charts follow the numbers, by the platform's clock.
const CHART_EVERY: TimeDelta = TimeDelta::seconds(5);

/// Tiles and charts.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let overview = resource(|| (), |()| api::fetch_overview());
    view! {
        <Title text="Overview"/>
        <div class="page-head">
            <h1>"Overview"</h1>
            <p class="lead">"What the platform does right now."</p>
        </div>
        <Suspense fallback=SkeletonOverview>
            {move || Suspend::new(async move {
                match overview.await {
                    Ok(overview) => view! { <Moving start=overview/> }.into_any(),
                    Err(error) => view! { <ErrorState error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// Starts with what the server rendered and goes on with what the subscription brings.
#[component]
fn Moving(start: Overview) -> impl IntoView {
    let counts = RwSignal::new(start.live);
    let activity = RwSignal::new(start.activity);
    live::subscribe::<queries::Live>(|| queries::live::Variables {}, move |data| counts.set(data.live.into()));
    follow(counts, activity);
    view! {
        <section aria-labelledby="now-title">
            <h2 id="now-title" class="visually-hidden">"Now"</h2>
            <ul class="tiles">
                <Tile id="players-online" label="Players online" counts value=|counts| counts.players_online/>
                <Tile id="in-queue" label="In queue" counts value=|counts| counts.tickets_waiting/>
                <Tile id="matches-running" label="Matches running" counts value=|counts| counts.matches_running/>
                <Tile id="matches-finished" label="Matches finished" counts value=|counts| counts.matches_finished/>
                <Tile id="events-stored" label="Events stored" counts value=|counts| counts.events_stored/>
                <Tile id="events-per-minute" label="Events per minute" counts value=|counts| counts.events_per_minute/>
            </ul>
        </section>
        <section aria-labelledby="hour-title">
            <h2 id="hour-title">"The last hour " <span class="sub">"times are UTC"</span></h2>
            <div class="charts">
                <Chart
                    title="Matches finished per minute" what="matches finished" id="chart-matches" tone=Tone::One
                    points=activity.into() value=|point| point.matches_finished
                />
                <Chart
                    title="Events per minute" what="events" id="chart-events" tone=Tone::Two
                    points=activity.into() value=|point| point.events
                />
            </div>
            <ActivityTable activity/>
        </section>
    }
    .into_any()
}

/// One number.
#[component]
fn Tile(
    id: &'static str,
    label: &'static str,
    counts: RwSignal<LiveCounts>,
    value: fn(&LiveCounts) -> i64,
) -> impl IntoView {
    let number = Memo::new(move |_| value(&counts.read()));
    view! {
        <li class="tile">
            <span class="tile-label" id=format!("{id}-label")>{label}</span>
            <span class="tile-number" id=id aria-labelledby=format!("{id}-label {id}")>{move || format::count(number.get())}</span>
        </li>
    }
    .into_any()
}

/// The charts' numbers, for those who read rather than look.
#[component]
fn ActivityTable(activity: RwSignal<Vec<ActivityPoint>>) -> impl IntoView {
    let rows = move || {
        activity
            .read()
            .iter()
            .rev()
            .map(|point| {
                view! {
                    <tr>
                        <th scope="row">{format::minute(point.minute)}</th>
                        <td class="num">{format::count(point.matches_finished)}</td>
                        <td class="num">{format::count(point.events)}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <details class="card numbers">
            <summary>"The last hour as a table"</summary>
            <table>
                <caption class="visually-hidden">"Matches finished and events, minute by minute, latest first; times are UTC"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Minute (UTC)"</th>
                        <th scope="col" class="num">"Matches finished"</th>
                        <th scope="col" class="num">"Events"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
}

/// Fetches the last hour again as the counts move on.
fn follow(counts: RwSignal<LiveCounts>, activity: RwSignal<Vec<ActivityPoint>>) {
    Effect::new(move |fetched_at: Option<chrono::DateTime<chrono::Utc>>| {
        let at = counts.read().at;
        let Some(fetched_at) = fetched_at else { return at };
        if at - fetched_at < CHART_EVERY {
            return fetched_at;
        }
        spawn_local(async move {
            if let Ok(points) = api::fetch_activity().await {
                let _ = activity.try_set(points);
            }
        });
        at
    });
}
