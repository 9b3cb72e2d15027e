//! The schema: one noun a file. [`build`] puts them together; [`sdl`] prints what the dashboard is written against.

mod cost;
mod errors;
mod event_types;
mod events;
mod insights;
mod leaderboards;
mod live;
mod matches;
mod page;
mod queues;
mod seasons;
mod servers;
mod staff;
mod steps;
mod tickets;
mod time;

use async_graphql::{Context, MergedObject, MergedSubscription, SDLExportOptions, Schema, SchemaBuilder};

pub use cost::{MAX_COST, MAX_DEPTH};
pub use errors::{ApiError, outcome_of, with_codes};

/// The root of all queries.
#[derive(MergedObject, Default)]
pub struct Query(
    staff::StaffQuery,
    live::LiveQuery,
    matches::MatchQuery,
    queues::QueueQuery,
    queues::ClosureQuery,
    queues::DryRunQuery,
    event_types::EventTypeQuery,
    event_types::QuarantineQuery,
    event_types::DeadLetterQuery,
    tickets::TicketQuery,
    insights::InsightQuery,
    seasons::SeasonQuery,
    leaderboards::LeaderboardQuery,
    servers::GameServerQuery,
);

/// The root of all acts.
#[derive(MergedObject, Default)]
pub struct Mutation(
    staff::StaffMutation,
    queues::QueueMutation,
    queues::ClosureMutation,
    event_types::EventTypeMutation,
    event_types::ReplayMutation,
    leaderboards::LeaderboardMutation,
    seasons::SeasonMutation,
);

/// The root of all streams.
#[derive(MergedSubscription, Default)]
pub struct Subscription(live::LiveSubscription, events::EventSubscription, insights::InsightSubscription);

/// The staff API's schema.
pub type StaffSchema = Schema<Query, Mutation, Subscription>;

/// Directives that one field may carry; `@include` and `@skip` are all there are.
const MAX_DIRECTIVES: usize = 4;

/// Nesting that tools need to ask for the schema itself: `ofType` nine times over.
const INTROSPECTION_DEPTH: usize = 20;

/// The schema, to be given its data (`Store`, `Sessions`, `SignInDesk`, `LiveFeed`, `EventWatch`, `DryRuns`) and finished.
pub fn build() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COST)
        .limit_directives(MAX_DIRECTIVES)
}

/// The same schema for questions about itself only, which are deep by nature and cost no store.
pub fn build_introspection() -> StaffSchema {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .limit_depth(INTROSPECTION_DEPTH)
        .limit_complexity(MAX_COST)
        .limit_directives(MAX_DIRECTIVES)
        .introspection_only()
        .finish()
}

/// The schema in GraphQL's own language, as `graphql/schema.graphql` holds it. The directives that GraphQL itself defines
/// (`@include`, `@skip`) are left out: every tool knows them.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions().use_space_ident();
    let printed = build().finish().sdl_with_options(options);
    let (types, rest) = printed.split_once("\n\n\"Directs the executor").unwrap_or((&printed, ""));
    let roots = rest.find("schema {").map_or("", |at| &rest[at..]);
    format!("# Printed by `muster-graphql schema`. Edit the code, not this file.\n\n{types}\n\n{}\n", roots.trim_end())
}

/// What the schema was built with.
pub(crate) fn of_schema<'a, T: Send + Sync + 'static>(context: &Context<'a>) -> Result<&'a T, ApiError> {
    context.data_opt::<T>().ok_or_else(|| {
        tracing::error!(missing = std::any::type_name::<T>(), "the schema was built without its data");
        ApiError::Internal
    })
}
