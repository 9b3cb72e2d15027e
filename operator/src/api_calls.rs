//! Counts the calls of the API server as roles name them: by verb, group and resource.

use http::{Method, Request};

use crate::events;

/// Counts a call and lets it through.
pub fn counted<B>(request: Request<B>) -> Request<B> {
    let uri = request.uri();
    if let Some((verb, group, resource)) = call(request.method(), uri.path(), uri.query().unwrap_or_default()) {
        events::api_called(verb, group, &resource);
    }
    request
}

/// What a role must allow for a call. Nothing for calls that are no business of roles on resources, such as discovery.
fn call<'p>(method: &Method, path: &'p str, query: &str) -> Option<(&'static str, &'p str, String)> {
    let mut parts = path.trim_start_matches('/').split('/');
    let group = match parts.next()? {
        "api" => "",
        "apis" => parts.next()?,
        _ => return None,
    };
    let _version = parts.next()?;
    let mut rest: Vec<_> = parts.collect();
    // `namespaces/NAME/RESOURCE…`; a namespace itself is `namespaces/NAME`.
    if rest.len() > 2 && rest[0] == "namespaces" {
        rest.drain(..2);
    }
    let (resource, name, subresource) = match rest.as_slice() {
        [resource] => (*resource, false, None),
        [resource, _] => (*resource, true, None),
        [resource, _, subresource, ..] => (*resource, true, Some(*subresource)),
        [] => return None,
    };
    let watch = query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"));
    let verb = match (method.as_str(), name) {
        ("GET", true) => "get",
        ("GET", false) if watch => "watch",
        ("GET", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => return None,
    };
    let resource = subresource.map_or_else(|| resource.to_owned(), |subresource| format!("{resource}/{subresource}"));
    Some((verb, group, resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_as_roles_name_them() {
        let of = |method: Method, path: &'static str, query: &str| call(&method, path, query);
        let named = |verb, group, resource: &str| Some((verb, group, resource.to_owned()));
        assert_eq!(of(Method::GET, "/api/v1/namespaces/a/secrets/b", ""), named("get", "", "secrets"));
        assert_eq!(of(Method::GET, "/api/v1/services", "watch=true&x=y"), named("watch", "", "services"));
        assert_eq!(of(Method::GET, "/apis/apps/v1/deployments", "limit=1"), named("list", "apps", "deployments"));
        assert_eq!(
            of(Method::PATCH, "/apis/muster.dev/v1alpha1/namespaces/a/regions/b/status", ""),
            named("patch", "muster.dev", "regions/status")
        );
        assert_eq!(of(Method::GET, "/apis/monitoring.coreos.com/v1", ""), None);
        assert_eq!(of(Method::GET, "/version", ""), None);
    }
}
