//! The operator signs in to Vault with its service account, which Vault has the API server look at (TokenReview).

use muster_operator::rotation::ROTATE;
use serde_json::json;

use super::{vault::Vault, *};
use crate::cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_signs_in_with_its_service_account() {
    let Some(cluster) = Cluster::own().await else { return };
    let vault = Vault::new("kube").await;
    let mount = format!("{}-auth", vault.name);
    // Vault asks as somebody who may have tokens looked at, and nothing else.
    let reviewer = |kind: &str, rest: Value| {
        let mut manifest = json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "vault" } });
        for (key, value) in rest.as_object().expect("fields") {
            manifest[key] = value.clone();
        }
        manifest
    };
    cluster.apply(reviewer("ServiceAccount", json!({ "metadata": { "name": "vault", "namespace": "default" } }))).await;
    cluster
        .apply(reviewer(
            "ClusterRole",
            json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "rules": [{
                "apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"],
            }] }),
        ))
        .await;
    cluster
        .apply(reviewer(
            "ClusterRoleBinding",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "vault" },
                "subjects": [{ "kind": "ServiceAccount", "name": "vault", "namespace": "default" }],
            }),
        ))
        .await;
    vault.write(&format!("sys/auth/{mount}"), json!({ "type": "kubernetes" })).await;
    let authority = std::fs::read_to_string(cluster.server.home().join("apiserver.crt")).expect("the certificate");
    let config = json!({
        "kubernetes_host": cluster.server.url(),
        "kubernetes_ca_cert": authority,
        "token_reviewer_jwt": cluster.service_account_token("default", "vault").await,
        "disable_local_ca_jwt": true,
    });
    vault.write(&format!("auth/{mount}/config"), config).await;
    // What the README says that the policy must allow, and nothing else.
    let name = &vault.name;
    let policy = format!(
        "path \"{name}/data/*\" {{ capabilities = [\"create\", \"read\", \"update\"] }}\n\
         path \"{name}/metadata/*\" {{ capabilities = [\"read\"] }}\n\
         path \"{name}/delete/*\" {{ capabilities = [\"update\"] }}"
    );
    vault.write(&format!("sys/policies/acl/{name}"), json!({ "policy": policy })).await;
    let role = |account: &str| {
        json!({
            "bound_service_account_names": account, "bound_service_account_namespaces": "muster-system",
            "token_policies": name, "token_ttl": "3s", "token_max_ttl": "3s",
        })
    };
    vault.write(&format!("auth/{mount}/role/operator"), role("muster-operator")).await;
    vault.write(&format!("auth/{mount}/role/other"), role("somebody-else")).await;

    let space = cluster.namespace("rotation-kubernetes").await;
    let token_file = cluster.operator_token_file();
    let settings = |role: &str| {
        [
            format!("operator.vault.address={}", vault.url),
            format!("operator.vault.kubernetes_role={role}"),
            format!("operator.vault.kubernetes_mount={mount}"),
            format!("operator.vault.kubernetes_token_file={}", token_file.display()),
        ]
    };
    let start = |label: &str, role: &str| {
        let settings = settings(role);
        cluster.operator(label, &settings.each_ref().map(String::as_str))
    };

    // A role that is for another account is refused, and that is told without the token.
    let operator = start("kubernetes-other", "other");
    let spec = json!({
        "source": { "vaultKv": { "mount": vault.name, "path": "muster/app", "key": "token" } },
        "target": { "secret": "app", "key": "token" },
        "overlap": "1m",
    });
    create(&cluster, &space, "token", spec).await;
    let condition = wait_condition(&space, "token", "Degraded", "True", "VaultForbidden").await;
    assert!(condition.message.contains(&format!("auth/{mount}/login as other")), "{}", condition.message);
    let token = std::fs::read_to_string(&token_file).expect("the token");
    assert!(!told(&space, "token", &operator.log()).await.contains(&token), "the token was told");
    drop(operator);

    let operator = start("kubernetes", "operator");
    wait_idle(&space, "token", 1).await;
    let first = entry(&space, "app", "token").await;
    // The session lasts three seconds; later steps sign in anew.
    tokio::time::sleep(Duration::from_secs(4)).await;
    annotate(&space, "token", ROTATE).await;
    end_overlap(&space, "token").await;
    wait_idle(&space, "token", 2).await;
    let second = entry(&space, "app", "token").await;
    assert!(second.is_some() && first != second);
    assert!(!told(&space, "token", &operator.log()).await.contains(&token), "the token was told");
}
