//! From points to positions. Positions are shares of the plot in percent, so that the drawing fits any width while its
//! text keeps its size.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use plotters::coord::{ranged1d::Ranged, types::RangedCoordi64};

use crate::format;

/// The plot's own resolution: finer than any screen it is shown on.
const UNITS: i32 = 10_000;
const MOST_X_TICKS: usize = 7;
const MOST_Y_TICKS: usize = 5;

/// A value and its minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub minute: DateTime<Utc>,
    pub value: i64,
}

/// A labelled place on an axis; `at` is in percent of the plot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub at: f64,
    pub label: String,
}

/// A chart ready to draw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    pub x_ticks: Vec<Tick>,
    pub y_ticks: Vec<Tick>,
    /// SVG path of the minutes that are over, in a box of 100 by 100.
    pub line: String,
    /// From there to the minute that still runs, whose count is not whole yet.
    pub tail: String,
    /// Both, closed down to the zero line.
    pub area: String,
    /// Where each point stands, in percent from the left.
    pub columns: Vec<f64>,
}

impl Plot {
    /// `points` are in order of time. None when there are fewer than two: they make no line.
    pub(crate) fn of(points: &[Point]) -> Option<Self> {
        let (first, last) = match points {
            [first, .., last] => (minute_number(first.minute), minute_number(last.minute)),
            _ => return None,
        };
        let most = points.iter().map(|point| point.value).max().unwrap_or_default().max(1);
        let x = RangedCoordi64::from(first..last);
        let (y, top) = value_axis(most);
        let across = |minute: i64| percent(x.map(&minute, (0, UNITS)));
        let up = |value: i64| 100.0 - percent(y.map(&value, (0, UNITS)));

        let path = |points: &[Point]| {
            let mut path = String::new();
            for (index, point) in points.iter().enumerate() {
                let pen = if index == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{pen}{:.2} {:.2}", across(minute_number(point.minute)), up(point.value));
            }
            path
        };
        Some(Self {
            x_ticks: x
                .key_points(MOST_X_TICKS)
                .into_iter()
                .map(|minute| Tick {
                    at: across(minute),
                    label: DateTime::from_timestamp(minute * 60, 0).map(format::minute).unwrap_or_default(),
                })
                .collect(),
            y_ticks: y
                .key_points(MOST_Y_TICKS)
                .into_iter()
                .filter(|value| *value <= top)
                .map(|value| Tick { at: up(value), label: compact(value) })
                .collect(),
            line: path(&points[..points.len() - 1]),
            tail: path(&points[points.len() - 2..]),
            area: format!("{}L100.00 100.00L0.00 100.00Z", path(points)),
            columns: points.iter().map(|point| across(minute_number(point.minute))).collect(),
        })
    }
}

/// From zero to the first tick at or above the greatest value, so that the line never touches the ceiling's edge
/// without a label.
fn value_axis(most: i64) -> (RangedCoordi64, i64) {
    let ticks = RangedCoordi64::from(0..most).key_points(MOST_Y_TICKS);
    let step = match ticks[..] {
        [first, second, ..] => second - first,
        _ => most,
    };
    let top = most.div_ceil_to(step);
    (RangedCoordi64::from(0..top), top)
}

trait DivCeilTo {
    /// The least multiple of `step` that is not below self.
    fn div_ceil_to(self, step: Self) -> Self;
}

impl DivCeilTo for i64 {
    fn div_ceil_to(self, step: Self) -> Self {
        let step = step.max(1);
        (self + step - 1) / step * step
    }
}

fn minute_number(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}

fn percent(units: i32) -> f64 {
    f64::from(units) / f64::from(UNITS) * 100.0
}

/// "950", "1.5k", "20k", "3M": an axis has little room.
fn compact(value: i64) -> String {
    let scaled = |unit: i64, suffix: char| {
        let tenths = value * 10 / unit;
        if tenths % 10 == 0 {
            format!("{}{suffix}", tenths / 10)
        } else {
            format!("{}.{}{suffix}", tenths / 10, tenths % 10)
        }
    };
    match value {
        1_000_000.. => scaled(1_000_000, 'M'),
        1_000.. => scaled(1_000, 'k'),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(value: impl Fn(i64) -> i64) -> Vec<Point> {
        // 2023-11-14 22:10 UTC and the hour after it.
        (0..60)
            .map(|minute| Point {
                minute: DateTime::from_timestamp(1_699_999_800 + minute * 60, 0).expect("in range"),
                value: value(minute),
            })
            .collect()
    }

    #[test]
    fn an_hour_is_ticked_every_ten_minutes() {
        let plot = Plot::of(&hour(|minute| minute)).expect("a plot");
        let labels: Vec<_> = plot.x_ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["22:10", "22:20", "22:30", "22:40", "22:50", "23:00"]);
        assert!(plot.x_ticks[0].at.abs() < 0.01);
    }

    #[test]
    fn the_line_fills_the_width_and_stays_under_the_top_tick() {
        let plot = Plot::of(&hour(|minute| minute)).expect("a plot");
        assert!(plot.line.starts_with("M0.00 100.00"));
        assert!(plot.tail.contains("L100.00 ") && plot.area.contains("L100.00 "));
        assert!((plot.columns[59] - 100.0).abs() < 0.01);
        let top = plot.y_ticks.last().expect("ticks");
        assert!(top.at.abs() < 0.01, "the axis ends with a tick: {:?}", plot.y_ticks);
        assert_eq!(plot.y_ticks[0].label, "0");
    }

    #[test]
    fn an_hour_of_nothing_still_has_an_axis() {
        let plot = Plot::of(&hour(|_| 0)).expect("a plot");
        assert_eq!(plot.y_ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), ["0", "1"]);
        assert!(plot.tail.ends_with("L100.00 100.00"));
    }

    #[test]
    fn the_minute_that_still_runs_is_drawn_apart() {
        let plot = Plot::of(&hour(|minute| minute)[..3]).expect("a plot");
        assert_eq!(plot.line, "M0.00 100.00L50.00 50.00");
        assert_eq!(plot.tail, "M50.00 50.00L100.00 0.00");
    }

    #[test]
    fn one_point_makes_no_line() {
        assert_eq!(Plot::of(&hour(|_| 1)[..1]), None);
        assert_eq!(Plot::of(&[]), None);
    }

    #[test]
    fn axis_labels_are_short() {
        assert_eq!(compact(950), "950");
        assert_eq!(compact(1_500), "1.5k");
        assert_eq!(compact(20_000), "20k");
        assert_eq!(compact(3_000_000), "3M");
    }
}
