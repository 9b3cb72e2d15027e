//! What holds of every match, whatever its players do.

use std::collections::HashMap;

use chrono::TimeDelta;
use muster_core::game::{Action, Command, Dice, GameEvent, MatchState, Mode, OutcomeKind, RollEffect, Seat, decide};
use proptest::prelude::*;

use crate::table::Table;

/// Something that a player, a network or the time does.
#[derive(Debug, Clone, Copy)]
enum Step {
    Turn(Command),
    OutOfTurn(Command),
    Drop(Seat),
    Return(Seat),
    Wait(i64),
    Tick,
}

fn seats() -> impl Strategy<Value = Seat> {
    prop::sample::select(Seat::ALL.as_slice())
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.as_slice())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => Just(Step::Turn(Command::Roll)),
        5 => Just(Step::Turn(Command::Bank)),
        2 => prop_oneof![Just(Command::Roll), Just(Command::Bank)].prop_map(Step::OutOfTurn),
        1 => seats().prop_map(Step::Drop),
        1 => seats().prop_map(Step::Return),
        3 => (0i64..25_000_000).prop_map(Step::Wait),
        3 => Just(Step::Tick),
    ];
    (
        prop::collection::vec(step, 0..300),
        prop::option::weighted(
            0.1,
            prop_oneof![Just(Step::Turn(Command::Resign)), Just(Step::OutOfTurn(Command::Resign)),],
        ),
    )
        .prop_map(|(mut steps, resignation)| {
            steps.extend(resignation);
            steps
        })
}

fn dice() -> impl Strategy<Value = Dice> {
    (any::<[u8; 32]>(), any::<[Option<[u8; 32]>; 2]>()).prop_map(|(seed, nonces)| Dice::new(seed, nonces))
}

fn action(step: Step, state: &MatchState) -> Option<Action> {
    Some(match step {
        Step::Turn(command) => Action::Command { seat: state.turn, command },
        Step::OutOfTurn(command) => Action::Command { seat: state.turn.other(), command },
        Step::Drop(seat) => Action::Dropped { seat },
        Step::Return(seat) => Action::Returned { seat },
        Step::Tick => Action::Tick,
        Step::Wait(_) => return None,
    })
}

/// Refusals are fine here; what they leave behind is checked elsewhere.
fn play(mode: Mode, dice: Dice, steps: &[Step]) -> Table {
    let mut table = Table::with_dice(mode, dice);
    for step in steps {
        match action(*step, &table.state) {
            Some(action) => _ = table.act(action),
            // In microseconds, so that times finer than a millisecond come up.
            None => {
                if let Step::Wait(micros) = step {
                    table.now += TimeDelta::microseconds(*micros);
                }
            }
        }
    }
    table
}

fn written(table: &Table) -> String {
    table
        .log
        .iter()
        .map(|(at, event)| format!("{} {}\n", muster_core::time::format(*at), serde_json::to_string(event).unwrap()))
        .collect()
}

proptest! {
    #[test]
    fn the_same_seed_nonces_and_commands_give_the_same_log(mode in modes(), dice in dice(), steps in steps()) {
        prop_assert_eq!(written(&play(mode, dice.clone(), &steps)), written(&play(mode, dice, &steps)));
    }

    #[test]
    fn a_replay_gives_the_live_state_after_every_event(mode in modes(), dice in dice(), steps in steps()) {
        let live = play(mode, dice, &steps);
        // As it comes back from a log that was written: JSON, times in milliseconds.
        let read: Vec<_> = live.log.iter().map(|(at, event)| {
            let event: GameEvent = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
            (muster_core::time::truncate(*at), event)
        }).collect();
        let mut replayed = MatchState::replay(read[..1].iter().map(|(at, event)| (*at, event))).unwrap();
        for (index, state) in live.states.iter().enumerate() {
            if index > 0 {
                replayed.evolve(&read[index].1, read[index].0);
            }
            prop_assert_eq!(&replayed, state);
            prop_assert_eq!(replayed.version, index as u64 + 1);
            let kept: MatchState = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
            prop_assert_eq!(&kept, state);
        }
        let at_once = MatchState::replay(read.iter().map(|(at, event)| (*at, event)));
        prop_assert_eq!(at_once.as_ref(), live.states.last());
    }

    #[test]
    fn no_command_out_of_turn_does_anything_but_resign(mode in modes(), dice in dice(), steps in steps()) {
        let live = play(mode, dice, &steps);
        for state in &live.states {
            for command in [Command::Roll, Command::Bank] {
                let action = Action::Command { seat: state.turn.other(), command };
                prop_assert!(decide(state, &action, &live.dice, live.now).is_err());
            }
            let resign = Action::Command { seat: state.turn.other(), command: Command::Resign };
            match decide(state, &resign, &live.dice, live.now) {
                Ok(events) => {
                    let ends = matches!(events.as_slice(), [GameEvent::Ended { .. }]);
                    prop_assert!(ends, "{events:?}");
                }
                Err(_) => prop_assert!(state.is_over()),
            }
        }
    }

    #[test]
    fn totals_stay_within_their_mode(mode in modes(), dice in dice(), steps in steps()) {
        let live = play(mode, dice, &steps);
        let mut penalties = [0; 2];
        let mut after_bank = false;
        for ((_, event), state) in live.log.iter().zip(&live.states) {
            if let GameEvent::Rolled { seat, penalty, .. } = event {
                prop_assert!(*penalty == 0 || mode == Mode::ZeroHour);
                penalties[seat.other().index()] += penalty;
            }
            after_bank = matches!(event, GameEvent::Banked { .. }) || (after_bank && state.is_over());
            for (seat, total) in state.totals.into_iter().enumerate() {
                let most = match mode {
                    // Past the target only by the bank that wins.
                    Mode::Quickfire if !after_bank => 49,
                    Mode::Classic if !after_bank => 99,
                    Mode::Quickfire | Mode::Classic | Mode::TrueGrit => u32::MAX,
                    Mode::ZeroHour => 100 + penalties[seat],
                    Mode::LastLine => 50,
                };
                prop_assert!(total <= most, "{mode}: a total of {total} with {most} allowed");
            }
            prop_assert_eq!(event.totals().unwrap_or(state.totals), state.totals);
        }
    }

    #[test]
    fn a_match_has_at_most_one_outcome_and_it_comes_last(mode in modes(), dice in dice(), steps in steps()) {
        let live = play(mode, dice, &steps);
        let ends: Vec<_> = live.log.iter().enumerate().filter(|(_, (_, event))| matches!(event, GameEvent::Ended { .. })).collect();
        prop_assert_eq!(ends.len(), usize::from(live.state.is_over()));
        for (index, (_, event)) in ends {
            prop_assert_eq!(index + 1, live.log.len());
            let GameEvent::Ended { outcome } = event else { unreachable!() };
            prop_assert_eq!(outcome.winner.is_none(), outcome.kind == OutcomeKind::Abandoned);
            prop_assert_eq!(outcome.totals, live.state.totals);
        }
    }

    #[test]
    fn a_tick_does_something_at_the_deadline_and_nothing_before(mode in modes(), dice in dice(), steps in steps()) {
        let live = play(mode, dice, &steps);
        let Some(deadline) = live.state.next_deadline() else { return Ok(()) };
        let before = decide(&live.state, &Action::Tick, &live.dice, deadline - TimeDelta::milliseconds(1)).unwrap();
        prop_assert_eq!(before, []);
        let at = decide(&live.state, &Action::Tick, &live.dice, deadline).unwrap();
        prop_assert!(!at.is_empty());
    }

    #[test]
    fn a_match_that_is_left_alone_ends_by_its_clocks(mode in modes(), dice in dice(), steps in steps()) {
        let mut table = play(mode, dice, &steps);
        let mut ticks = 0;
        while let Some(deadline) = table.state.next_deadline() {
            table.now = table.now.max(deadline);
            prop_assert!(!table.tick().is_empty());
            ticks += 1;
            prop_assert!(ticks <= 8, "{ticks} ticks and no end");
        }
        prop_assert!(table.state.is_over());
    }

    #[test]
    fn every_event_can_be_told(mode in modes(), dice in dice(), steps in steps()) {
        for (_, event) in play(mode, dice, &steps).log {
            let told = event.summary(["Ada", "Bo"]);
            prop_assert!(told.ends_with('.'), "{told}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn random_legal_commands_end_every_match(mode in modes(), dice in dice(), choices in any::<[u8; 32]>(), patience in 2u8..10) {
        let mut table = Table::with_dice(mode, dice);
        // Another stream of dice decides who banks when.
        let choices = Dice::new(choices, [None, None]);
        for n in 1..=200_000u64 {
            let (a, b) = choices.roll(n);
            let banks = mode.can_bank() && table.state.rolls_in_turn > 0 && (a - 1) * 6 + b <= 36 / patience;
            table.play(if banks { Command::Bank } else { Command::Roll });
            table.wait(100);
            // Only the last events matter; a long match would fill the memory with states.
            table.states.clear();
            if table.state.is_over() {
                break;
            }
        }
        prop_assert!(matches!(table.ended(), Some((OutcomeKind::Won, Some(_)))), "{:?}", table.state);
    }
}

#[test]
fn every_effect_comes_up() {
    let mut effects: HashMap<RollEffect, u32> = HashMap::new();
    for mode in Mode::ALL {
        for seed in 0..40 {
            let mut table = Table::new(mode, seed);
            for _ in 0..5_000 {
                let banks = mode.can_bank() && table.state.turn_score >= 15;
                for event in table.play(if banks { Command::Bank } else { Command::Roll }) {
                    if let GameEvent::Rolled { effect, .. } = event {
                        *effects.entry(effect).or_default() += 1;
                    }
                }
                if table.state.is_over() {
                    break;
                }
            }
        }
    }
    assert_eq!(effects.len(), 6, "{effects:?}");
}
