//! A chart as SVG. Ticks and labels are placed in percent, the line is stretched in a box of its own, so that a phone
//! and a wall screen get the same text size. No `style` attribute: the page's security policy forbids them.

use leptos::prelude::*;

use super::plot::{Plot, Point};
use crate::{components::EmptyState, format, model::ActivityPoint};

/// Which of the two series colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    One,
    Two,
}

/// A line over the last hour, with what it says in words for those who do not see it. `what` names what is counted, in
/// the plural ("matches finished").
#[component]
pub(crate) fn Chart(
    title: &'static str,
    what: &'static str,
    id: &'static str,
    tone: Tone,
    points: Signal<Vec<ActivityPoint>>,
    value: fn(&ActivityPoint) -> i64,
) -> impl IntoView {
    let points = Memo::new(move |_| {
        points.read().iter().map(|point| Point { minute: point.minute, value: value(point) }).collect::<Vec<_>>()
    });
    let class = match tone {
        Tone::One => "chart chart-one",
        Tone::Two => "chart chart-two",
    };
    let sum = move || format::count(points.read().iter().map(|point| point.value).sum());
    view! {
        <figure class=class aria-labelledby=format!("{id}-title")>
            <figcaption>
                <h3 id=format!("{id}-title")>{title}</h3>
                <p class="chart-sum">{sum} " in the last hour"</p>
            </figcaption>
            {move || match Plot::of(&points.read()) {
                Some(plot) => drawing(plot, &points.read(), what).into_any(),
                None => view! { <EmptyState title="Nothing to draw yet" text="The chart starts with the second minute."/> }.into_any(),
            }}
        </figure>
    }
    .into_any()
}

fn drawing(plot: Plot, points: &[Point], what: &'static str) -> impl IntoView + use<> {
    let summary = summary(points, what);
    let width = 100.0 / points.len() as f64;
    let hits = points
        .iter()
        .zip(&plot.columns)
        .enumerate()
        .map(|(index, (point, at))| {
            let so_far = if index + 1 == points.len() { " so far" } else { "" };
            let label = format!("{} UTC: {} {what}{so_far}", format::minute(point.minute), format::count(point.value));
            view! {
                <g class="chart-hit">
                    <rect x=percent(at - width / 2.0) y="0" width=percent(width) height="100%"></rect>
                    <line x1=percent(*at) x2=percent(*at) y1="0" y2="100%"></line>
                    <title>{label}</title>
                </g>
            }
        })
        .collect_view();
    let rows = plot
        .y_ticks
        .into_iter()
        .map(|tick| {
            view! {
                <line class="chart-grid" x1="0" x2="100%" y1=percent(tick.at) y2=percent(tick.at)></line>
                <text class="chart-y" x="0" y=percent(tick.at) dx="-8" dy="0.32em">{tick.label}</text>
            }
        })
        .collect_view();
    let columns = plot
        .x_ticks
        .into_iter()
        .map(|tick| view! { <text class="chart-x" x=percent(tick.at) y="100%" dy="20">{tick.label}</text> })
        .collect_view();
    view! {
        <div class="chart-frame">
            <svg class="chart-plot" role="img" aria-label=summary>
                {rows}
                {columns}
                <svg width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none">
                    <path class="chart-area" d=plot.area></path>
                    <path class="chart-line" d=plot.line></path>
                    <path class="chart-line chart-tail" d=plot.tail></path>
                </svg>
                {hits}
            </svg>
        </div>
    }
    .into_any()
}

/// The chart in a sentence.
fn summary(points: &[Point], what: &str) -> String {
    let sum: i64 = points.iter().map(|point| point.value).sum();
    let most = points.iter().max_by_key(|point| point.value);
    let last = points.last().map_or(0, |point| point.value);
    let peak = most.map_or_else(String::new, |most| {
        format!(", at most {} in a minute (at {} UTC)", format::count(most.value), format::minute(most.minute))
    });
    format!(
        "Line chart: {} {what} in {} minutes{peak}, {} in the minute that still runs. The same numbers are in the table below.",
        format::count(sum),
        points.len(),
        format::count(last)
    )
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}
