//! `schema.graphql` is what the code says.

#[test]
fn the_committed_schema_is_the_one_in_the_code() {
    let committed = include_str!("../../schema.graphql");
    let built = muster_graphql::schema::sdl();
    assert!(
        committed == built,
        "schema.graphql differs from the code: `muster-graphql schema > graphql/schema.graphql`, then review the change.\n{built}"
    );
}
