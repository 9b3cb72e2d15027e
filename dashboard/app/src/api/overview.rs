use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::{ApiError, model::Overview};

/// The counts and the last hour.
#[server(endpoint = "overview", input = GetUrl)]
pub(crate) async fn fetch_overview() -> Result<Overview, ApiError> {
    use crate::{model::ActivityPoint, queries, upstream::ask};

    let data = ask::<queries::Overview>(queries::overview::Variables { minutes: super::CHART_MINUTES }).await?;
    Ok(Overview { live: data.live.into(), activity: data.activity.into_iter().map(ActivityPoint::from).collect() })
}
