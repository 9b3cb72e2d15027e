//! Charts of the last hour. `plot` turns points into positions and ticks (scales: plotters); `view` draws them as SVG
//! that the server renders too, with the same numbers as a table beside it.

mod plot;
mod view;

pub(crate) use view::{Chart, Tone};
