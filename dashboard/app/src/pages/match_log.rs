//! The log of a match, line by line; new lines are added at its end.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    components::{Dice, EmptyState},
    format,
    model::{MatchEvent, Seat},
};

/// All lines so far. `began` is where their times count from.
#[component]
pub(crate) fn MatchLog(log: RwSignal<Vec<MatchEvent>>, began: DateTime<Utc>) -> impl IntoView {
    let count = move || match log.read().len() {
        1 => "1 line".to_owned(),
        lines => format!("{} lines", format::count(lines as i64)),
    };
    let empty = Memo::new(move |_| log.read().is_empty());
    view! {
        <section class="card log-card" aria-labelledby="log-title">
            <div class="card-head">
                <h2 id="log-title">"Event log"</h2>
                <p class="sub">{count}</p>
            </div>
            {move || empty.get().then(|| view! {
                <EmptyState title="No events yet" text="The first line comes with the start of the match."/>
            })}
            <ol class="log" role="log" aria-labelledby="log-title">
                <For each=move || log.get() key=|event| event.seq let:event>
                    {line(&event, began)}
                </For>
            </ol>
        </section>
    }
    .into_any()
}

fn line(event: &MatchEvent, began: DateTime<Utc>) -> impl IntoView + use<> {
    let class = match event.kind.as_str() {
        "turn_began" => "line line-turn",
        "ended" => "line line-end",
        _ => "line",
    };
    // Whose line it is stands in its sentence; the colour only helps the eye down the log.
    let mark = match event.seat {
        Some(Seat::First) => "seat-mark seat-first",
        Some(Seat::Second) => "seat-mark seat-second",
        None => "seat-mark",
    };
    let badge = event.badge().map(|(text, tone)| view! { <span class=format!("badge badge-{tone}")>{text}</span> });
    let totals = event.totals.map(|totals| format!("{} : {}", totals[0], totals[1]));
    view! {
        <li class=class>
            <span class="line-seq">{event.seq}</span>
            <time class="line-at" datetime=format::machine(event.at) title=format::moment(event.at)>{format::offset(event.at - began)}</time>
            <span class=mark aria-hidden="true"></span>
            <span class="line-what">
                {event.dice.map(|faces| view! { <Dice faces/> })}
                {badge}
                <span class="line-summary">{event.summary.clone()}</span>
            </span>
            <span class="line-totals">{totals}</span>
        </li>
    }
}
