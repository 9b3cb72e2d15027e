//! Secrets from files.

use std::time::Duration;

use muster_runtime::{SecretSource, settings::*};
use secrecy::ExposeSecret;

use crate::{scratch::Scratch, wait::within};

fn source(scratch: &Scratch) -> SecretSource {
    let files = FilesSettings { dir: scratch.path().to_owned(), poll: Duration::from_millis(10) };
    SecretSource::new(&SecretsSettings { provider: SecretsProvider::Files, files, ..SecretsSettings::default() })
        .unwrap()
}

#[tokio::test]
async fn a_watched_file_tells_its_new_content() {
    let scratch = Scratch::new();
    scratch.write("db", "first\n");
    let source = source(&scratch);
    assert_eq!(source.get("db").await.unwrap().expose_secret(), "first");

    let mut watched = source.watch("db").await.unwrap();
    assert_eq!(watched.borrow_and_update().expose_secret(), "first");
    scratch.write("db", "second\n");
    within("the new content", watched.changed()).await.unwrap();
    assert_eq!(watched.borrow_and_update().expose_secret(), "second");

    // A file that is gone for a while changes nothing.
    std::fs::remove_file(scratch.path().join("db")).unwrap();
    let error = source.get("db").await.unwrap_err().to_string();
    assert!(error.contains("/db") && error.contains("secrets.files.dir"), "{error}");
    scratch.write("db", "third");
    within("the file that came back", watched.changed()).await.unwrap();
    assert_eq!(watched.borrow().expose_secret(), "third");
}

#[tokio::test]
async fn all_watchers_of_a_key_see_the_same() {
    let scratch = Scratch::new();
    scratch.write("db", "first");
    let source = source(&scratch);
    let (mut one, mut other) = (source.watch("db").await.unwrap(), source.clone().watch("db").await.unwrap());
    scratch.write("db", "second");
    for watched in [&mut one, &mut other] {
        within("the new content", watched.changed()).await.unwrap();
        assert_eq!(watched.borrow().expose_secret(), "second");
    }
}
