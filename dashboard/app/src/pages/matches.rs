//! The list of matches: filters and pages live in the address, so that a view can be shared and works without scripts.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    location::Url,
    params::ParamsMap,
};

use crate::{
    api,
    components::{Ago, EmptyState, ErrorState, SkeletonRows, StateBadge},
    format, live,
    model::{MODES, MatchPage, MatchRow, MatchState, Player},
    payload::resource,
    queries,
};

/// What the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Filter {
    state: Option<MatchState>,
    mode: Option<&'static str>,
    after: Option<String>,
}

impl Filter {
    fn read(query: &ParamsMap) -> Self {
        let text = |key: &str| query.get_str(key).filter(|value| !value.is_empty());
        Self {
            state: text("state").and_then(MatchState::from_slug),
            mode: text("mode").and_then(known_mode),
            after: text("after").map(str::to_owned),
        }
    }

    fn is_narrow(&self) -> bool {
        self.state.is_some() || self.mode.is_some()
    }

    /// The address of the same filter, from `after` on.
    fn href(&self, after: Option<&str>) -> String {
        let pairs = [("state", self.state.map(MatchState::slug)), ("mode", self.mode), ("after", after)];
        let query: Vec<_> =
            pairs.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", Url::escape(value?)))).collect();
        if query.is_empty() { "/matches".to_owned() } else { format!("/matches?{}", query.join("&")) }
    }
}

fn known_mode(text: &str) -> Option<&'static str> {
    MODES.into_iter().find(|known| *known == text)
}

/// Filters, table, pages.
#[component]
pub(crate) fn MatchesPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| Filter::read(&query.read()));
    let page = resource(
        move || filter.get(),
        |filter| api::fetch_matches(filter.state, filter.mode.map(str::to_owned), filter.after),
    );
    view! {
        <Title text="Matches"/>
        <div class="page-head">
            <h1>"Matches"</h1>
            <p class="lead">"Newest first."</p>
        </div>
        <Filters filter/>
        <Transition fallback=SkeletonRows>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(found) => view! { <List found filter=filter.get_untracked() refresh=Callback::new(move |()| page.refetch())/> }.into_any(),
                    Err(error) => view! { <ErrorState error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// A form of the address: it works as it is; where scripts run, a choice shows itself at once.
#[component]
fn Filters(filter: Memo<Filter>) -> impl IntoView {
    let navigate = use_navigate();
    let show = Callback::new(move |filter: Filter| navigate(&filter.href(None), NavigateOptions::default()));
    let choose_state = move |event| {
        let state = MatchState::from_slug(&event_target_value(&event));
        show.run(Filter { state, ..filter.get_untracked() });
    };
    let choose_mode = move |event| {
        let mode = known_mode(&event_target_value(&event));
        show.run(Filter { mode, ..filter.get_untracked() });
    };
    let states = MatchState::ALL.map(|state| (state.slug(), state.label().to_owned()));
    let modes = MODES.map(|mode| (mode, format::name(mode)));
    view! {
        <search class="filters">
            <form method="get" action="/matches">
                <div class="field">
                    <label for="state">"State"</label>
                    <select id="state" name="state" on:change=choose_state>
                        {options(states, move || filter.read().state.map(MatchState::slug))}
                    </select>
                </div>
                <div class="field">
                    <label for="mode">"Mode"</label>
                    <select id="mode" name="mode" on:change=choose_mode>
                        {options(modes, move || filter.read().mode)}
                    </select>
                </div>
                // As text: with scripts on, browsers do not parse what is in it, and hydration would look in vain.
                <noscript inner_html=r#"<button type="submit" class="button">Show</button>"#></noscript>
            </form>
        </search>
    }
    .into_any()
}

/// "Any", then the choices; `chosen` is selected.
fn options<const N: usize>(
    choices: [(&'static str, String); N],
    chosen: impl Fn() -> Option<&'static str> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let any = std::iter::once(("", "Any".to_owned()));
    any.chain(choices)
        .map(|(value, label)| {
            let selected = move || chosen().unwrap_or_default() == value;
            view! { <option value=value selected=selected>{label}</option> }
        })
        .collect_view()
}

/// A page of rows.
#[component]
fn List(found: MatchPage, filter: Filter, refresh: Callback<()>) -> impl IntoView {
    let answered_at = found.answered_at;
    let first_page = filter.after.is_none();
    let total = match found.total {
        1 => "1 match".to_owned(),
        total => format!("{} matches", format::count(total)),
    };
    if found.rows.is_empty() {
        return empty(&filter).into_any();
    }
    let next = found
        .next
        .as_deref()
        .map(|cursor| view! { <a href=filter.href(Some(cursor)) class="button" rel="next">"Older matches"</a> });
    let newest = (!first_page).then(|| view! { <a href=filter.href(None) class="button">"Newest matches"</a> });
    let rows = found.rows.into_iter().map(|row| view! { <Row row answered_at/> }).collect_view();
    view! {
        <div class="list-head">
            <p>{total}</p>
            {first_page.then(|| view! { <Newer refresh/> })}
        </div>
        <div class="card table-frame">
            <table class="matches">
                <caption class="visually-hidden">"Matches, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Match"</th>
                        <th scope="col" class="num">"Score"</th>
                        <th scope="col" class="mid">"Mode"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="wide">"Result"</th>
                        <th scope="col">"Started"</th>
                        <th scope="col" class="num wide">"Took"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <nav class="pager" aria-label="Pages of matches">{newest}{next}</nav>
    }
    .into_any()
}

fn empty(filter: &Filter) -> impl IntoView + use<> {
    if filter.is_narrow() {
        view! { <EmptyState title="No match fits the filter" text="Choose another state or mode."/> }
    } else {
        view! { <EmptyState title="No matches yet" text="The first one appears here when two players have been matched. To see some, let bots play: muster-bots."/> }
    }
}

#[component]
fn Row(row: MatchRow, answered_at: chrono::DateTime<chrono::Utc>) -> impl IntoView {
    let names = versus(&row.players, " vs ", |player| player.display_name.clone());
    let score = versus(&row.players, " : ", |player| format::count(player.total));
    let result = row.outcome.as_ref().map_or_else(String::new, |outcome| outcome.sentence(&row.players));
    let took = row.ended_at.map_or_else(String::new, |ended| format::duration(ended - row.created_at));
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/matches/{}", row.id)>{names}</a>
                <span class="sub"><span class="mono">{format::short_id(&row.id)}</span></span>
            </th>
            <td class="num">{score}</td>
            <td class="mid">{format::name(&row.mode)}<span class="sub">{row.queue}</span></td>
            <td><StateBadge state=row.state/></td>
            <td class="wide">{result}</td>
            <td><Ago at=row.created_at rendered_at=answered_at/></td>
            <td class="num wide">{took}</td>
        </tr>
    }
    .into_any()
}

/// Something of each player, side by side, or one below the other where there is no room.
fn versus(players: &[Player], between: &'static str, what: fn(&Player) -> String) -> impl IntoView + use<> {
    players
        .iter()
        .enumerate()
        .map(|(index, player)| {
            let between = (index > 0).then(|| view! { <span class="versus">{between}</span> });
            view! { {between}<span class="side-by-side">{what(player)}</span> }
        })
        .collect_view()
}

/// Says that the list has been overtaken; nothing moves under the reader's eyes until they ask.
#[component]
fn Newer(refresh: Callback<()>) -> impl IntoView {
    let overtaken = RwSignal::new(false);
    let begun_at_first = StoredValue::new(None::<i64>);
    live::subscribe::<queries::Live>(
        || queries::live::Variables {},
        move |data| {
            let begun = data.live.matches_finished + data.live.matches_running;
            match begun_at_first.get_value() {
                None => begun_at_first.set_value(Some(begun)),
                Some(first) => overtaken.set(begun > first),
            }
        },
    );
    view! {
        <div role="status" aria-live="polite">
            {move || overtaken.get().then(|| view! {
                <button type="button" class="button" on:click=move |_| refresh.run(())>
                    "Newer matches have started: show them"
                </button>
            })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_filter() {
        let filter = Filter { state: Some(MatchState::Running), mode: Some("zero-hour"), after: None };
        assert_eq!(filter.href(None), "/matches?state=running&mode=zero%2Dhour");
        assert_eq!(filter.href(Some("a=b/c")), "/matches?state=running&mode=zero%2Dhour&after=a%3Db%2Fc");
        assert_eq!(Filter::default().href(None), "/matches");
    }

    #[test]
    fn what_is_not_known_does_not_filter() {
        let query =
            ParamsMap::from_iter([("state".to_owned(), "paused".to_owned()), ("mode".to_owned(), String::new())]);
        assert_eq!(Filter::read(&query), Filter::default());
        let query = ParamsMap::from_iter([
            ("state".to_owned(), "finished".to_owned()),
            ("mode".to_owned(), "true-grit".to_owned()),
        ]);
        assert_eq!(
            Filter::read(&query),
            Filter { state: Some(MatchState::Finished), mode: Some("true-grit"), after: None }
        );
    }
}
