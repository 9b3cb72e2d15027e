//! Dice faces, drawn.

use leptos::prelude::*;

/// Where pips are, in a box of 24 by 24.
fn pips(face: u8) -> &'static [(u8, u8)] {
    match face {
        1 => &[(12, 12)],
        2 => &[(7, 17), (17, 7)],
        3 => &[(7, 17), (12, 12), (17, 7)],
        4 => &[(7, 7), (7, 17), (17, 7), (17, 17)],
        5 => &[(7, 7), (7, 17), (12, 12), (17, 7), (17, 17)],
        6 => &[(7, 6), (7, 12), (7, 18), (17, 6), (17, 12), (17, 18)],
        _ => &[],
    }
}

/// The two dice of a roll.
#[component]
pub(crate) fn Dice(faces: [u8; 2]) -> impl IntoView {
    let die = |face: u8| {
        view! {
            <svg class="die" viewBox="0 0 24 24" aria-hidden="true">
                <rect x="1" y="1" width="22" height="22" rx="5"></rect>
                {pips(face).iter().map(|(x, y)| view! { <circle cx=x.to_string() cy=y.to_string() r="2.1"></circle> }).collect_view()}
            </svg>
        }
    };
    view! {
        <span class="dice" role="img" aria-label=format!("Dice: {} and {}", faces[0], faces[1])>
            {die(faces[0])}
            {die(faces[1])}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::pips;

    #[test]
    fn a_face_has_as_many_pips_as_it_says() {
        for face in 1..=6 {
            assert_eq!(pips(face).len(), usize::from(face));
        }
    }
}
