//! The kinds of objects that a Region consists of.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::core::{ApiResource, GroupVersionKind};

/// A kind of object, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Who the processes are in the cluster. They may do nothing there.
    ServiceAccount,
    /// Settings of the processes that are not secret.
    ConfigMap,
    /// Who may reach them.
    NetworkPolicy,
    /// Where they are reached.
    Service,
    /// How many of them an orderly eviction may take at once.
    PodDisruptionBudget,
    /// The processes of a role.
    Deployment,
    /// Who asks them for metrics, where the Prometheus operator is there.
    PodMonitor,
}

impl Kind {
    /// Those that every cluster knows.
    pub const BUILT_IN: [Self; 6] = [
        Self::ServiceAccount,
        Self::ConfigMap,
        Self::NetworkPolicy,
        Self::Service,
        Self::PodDisruptionBudget,
        Self::Deployment,
    ];

    /// As the API server knows it.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::PodMonitor => {
                let kind = GroupVersionKind::gvk("monitoring.coreos.com", "v1", "PodMonitor");
                ApiResource::from_gvk_with_plural(&kind, "podmonitors")
            }
        }
    }

    /// As it is told in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::ConfigMap => "ConfigMap",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::Service => "Service",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Deployment => "Deployment",
            Self::PodMonitor => "PodMonitor",
        }
    }
}
