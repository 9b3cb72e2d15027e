use muster_core::game::Seat;
use muster_store::{MatchFilter, fresh_id};
use muster_testkit::Scratch;

use crate::given;

#[tokio::test]
async fn counts_what_goes_on_and_what_went_on() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let now = given::time("2026-01-31T09:30:30Z");

    store.presence.beat(&[fresh_id(), fresh_id(), fresh_id()], now).await.unwrap();
    given::waiting(store, 1).await;
    let over = given::new_match([fresh_id(), fresh_id()]);
    store.matches.create(&over).await.unwrap();
    store.matches.create(&given::new_match([fresh_id(), fresh_id()])).await.unwrap();
    let mut settlement = given::settlement(over.match_id, given::won_by(Seat::First));
    settlement.ended_at = given::time("2026-01-31T09:28:10Z");
    store.matches.settle(&settlement).await.unwrap();
    let at = ["2026-01-31T09:29:00Z", "2026-01-31T09:29:59.999Z", "2026-01-31T09:30:10Z", "2026-01-31T09:27:00Z"];
    let events: Vec<_> = at.into_iter().map(|at| given::event("a", given::time(at))).collect();
    store.telemetry.write_batch(&events).await.unwrap();

    let counts = store.live.snapshot(now).await.unwrap();
    assert_eq!(counts.players_online, 3);
    assert_eq!(counts.tickets_waiting, 1);
    assert_eq!((counts.matches_running, counts.matches_finished), (1, 1));
    assert_eq!((counts.events_stored, counts.events_per_minute), (4, 2));
    assert_eq!(store.matches.count(&MatchFilter::default()).await.unwrap(), 2);

    let activity = store.live.activity(3, now).await.unwrap();
    let activity: Vec<_> = activity.iter().map(|point| (point.matches_finished, point.events)).collect();
    assert_eq!(activity, [(1, 0), (0, 2), (0, 1)]);
    let point = store.live.activity(1, now).await.unwrap()[0];
    assert_eq!((point.minute, point.events), (given::time("2026-01-31T09:30:00Z"), 1));
    scratch.finish().await;
}
