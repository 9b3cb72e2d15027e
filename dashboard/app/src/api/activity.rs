use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::{ApiError, model::ActivityPoint};

/// The last hour, minute by minute.
#[server(endpoint = "activity", input = GetUrl)]
pub(crate) async fn fetch_activity() -> Result<Vec<ActivityPoint>, ApiError> {
    use crate::{queries, upstream::ask};

    let data = ask::<queries::Activity>(queries::activity::Variables { minutes: super::CHART_MINUTES }).await?;
    Ok(data.activity.into_iter().map(ActivityPoint::from).collect())
}
