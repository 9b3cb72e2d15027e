//! `[ops]` and `[http]`: where a process listens.

use std::net::{Ipv4Addr, SocketAddr};

use garde::Validate;
use serde::{Deserialize, Serialize};

/// `[ops]`: the port for health and metrics. Not for players or staff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct OpsSettings {
    /// Address and port. Port 0 takes a free one.
    pub listen: SocketAddr,
}

impl OpsSettings {
    /// The loopback address with this port.
    pub fn on_port(port: u16) -> Self {
        Self { listen: loopback(port) }
    }
}

impl Default for OpsSettings {
    fn default() -> Self {
        Self::on_port(7401)
    }
}

/// `[http]`: the port for players or staff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct HttpSettings {
    /// Address and port. Port 0 takes a free one.
    pub listen: SocketAddr,
}

impl HttpSettings {
    /// The loopback address with this port.
    pub fn on_port(port: u16) -> Self {
        Self { listen: loopback(port) }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self::on_port(7400)
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
