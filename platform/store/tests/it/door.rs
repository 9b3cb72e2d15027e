//! Players who want to queue.

use muster_core::game::{Mode, Seat};
use muster_core::rating::Rating;
use muster_store::{AtTheDoor, Ladder, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

#[tokio::test]
async fn all_that_has_to_be_known_of_many_players_comes_at_once_and_in_order() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let mut players = Vec::new();
    for (device, name) in [(1, "Ada"), (2, "Bo"), (3, "Cy")] {
        players.push(store.accounts.sign_in(&[device; 32], Some(name), now()).await.unwrap().account.player_id);
    }
    let [ada, bo, cy] = players[..] else { panic!("three players") };
    store.blocks.add(ada, bo, now()).await.unwrap();
    store.blocks.add(ada, cy, now()).await.unwrap();
    // One match that is over moved their ratings; one is still played.
    let over = given::new_match([ada, bo]);
    store.matches.create(&over).await.unwrap();
    store.matches.settle(&given::settlement(over.match_id, given::won_by(Seat::First))).await.unwrap();
    let running = given::new_match([bo, cy]);
    store.matches.create(&running).await.unwrap();

    let (classic, pairs) = (Ladder::Mode(Mode::Classic), Ladder::Queue("pairs"));
    let asked = [(cy, classic), (fresh_id(), pairs), (ada, classic), (ada, pairs), (bo, pairs)];
    let found = store.accounts.at_the_door(&asked).await.unwrap();
    assert_eq!(found.len(), asked.len());
    let of_cy = found[0].clone().unwrap();
    let expected = AtTheDoor {
        player_id: cy,
        display_name: "Cy".to_owned(),
        rating: Rating::default(),
        running_match: Some(running.match_id),
        blocked: Vec::new(),
    };
    assert_eq!(of_cy, expected);
    assert_eq!(found[1], None);
    let of_ada = found[2].as_ref().unwrap();
    assert!(of_ada.rating.points > 1500.0 && of_ada.rating.deviation < 500.0, "{:?}", of_ada.rating);
    assert_eq!((of_ada.display_name.as_str(), of_ada.running_match), ("Ada", None));
    let mut blocked = of_ada.blocked.clone();
    blocked.sort();
    assert_eq!(blocked, [bo, cy]);
    assert_eq!(found[3].as_ref().unwrap().rating, Rating::default());
    assert_eq!(found[4].as_ref().unwrap().running_match, Some(running.match_id));
    assert_eq!(store.matches.running_of(bo).await.unwrap(), Some(running.match_id));
    assert_eq!(store.matches.running_of(ada).await.unwrap(), None);
    assert!(store.accounts.at_the_door(&[]).await.unwrap().is_empty());
    scratch.finish().await;
}
