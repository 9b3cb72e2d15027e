//! The game itself: everybody draws a card, and the team of the highest one wins.

use muster_client::core::{
    id::PlayerId,
    wire::{ReportResult, ServerMatchView, TeamResult},
};

/// Draws for everybody who came: 2 to 14, aces high.
pub fn draw(players: &[PlayerId]) -> Vec<(PlayerId, i64)> {
    players.iter().map(|player| (*player, rand::random_range(2..=14))).collect()
}

/// What the platform is told of it: teams by their highest card, and who of them played.
pub fn result(given: &ServerMatchView, cards: &[(PlayerId, i64)]) -> ReportResult {
    let of = |team: &[PlayerId]| {
        cards.iter().filter(|(player, _)| team.contains(player)).map(|(_, card)| *card).max().unwrap_or_default()
    };
    let teams: Vec<Vec<PlayerId>> =
        given.teams.iter().map(|team| team.iter().map(|player| player.player_id).collect()).collect();
    let scores: Vec<i64> = teams.iter().map(|team| of(team)).collect();
    let rank = |score: i64| 1 + scores.iter().filter(|other| **other > score).count();
    let teams = teams.into_iter().zip(&scores).map(|(team, score)| TeamResult {
        players: team.into_iter().filter(|player| cards.iter().any(|(played, _)| played == player)).collect(),
        rank: u8::try_from(rank(*score)).unwrap_or(u8::MAX),
        score: Some(*score),
    });
    ReportResult::Finished { teams: teams.collect() }
}
