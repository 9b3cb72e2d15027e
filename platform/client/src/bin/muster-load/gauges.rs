//! Processor time: the server's, this program's, the whole machine's; and the server's memory.

use std::fs;

use anyhow::Context;
use reqwest::Client;

/// The server's counter of processor seconds.
const SERVER_CPU: &str = "process_cpu_seconds_total";
/// The server's resident memory, in bytes.
const SERVER_MEMORY: &str = "process_resident_memory_bytes";
/// Ticks per second in `/proc`; the kernel's interface fixes it (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Reads them.
pub struct Gauges {
    http: Client,
    metrics: Option<String>,
}

impl Gauges {
    /// `ops_url` is where the server's `/metrics` is.
    pub fn new(ops_url: Option<&str>) -> anyhow::Result<Self> {
        // The loopback needs neither certificates nor a proxy.
        let http = Client::builder().tls_certs_only([]).no_proxy().build().context("no HTTP client")?;
        Ok(Self { http, metrics: ops_url.map(|url| format!("{}/metrics", url.trim_end_matches('/'))) })
    }

    /// What the server has used; none when nobody said where to ask.
    ///
    /// # Errors
    /// The server does not answer, or does not tell.
    pub async fn server(&self) -> anyhow::Result<Option<Server>> {
        let Some(url) = &self.metrics else { return Ok(None) };
        let page = async { self.http.get(url).send().await?.error_for_status()?.text().await };
        let page = page.await.with_context(|| format!("--ops-url: no metrics at {url}"))?;
        let number = |name| value(&page, name).with_context(|| format!("--ops-url: {url} does not tell {name}"));
        Ok(Some(Server { cpu_seconds: number(SERVER_CPU)?, resident_bytes: number(SERVER_MEMORY)? }))
    }
}

impl Gauges {
    /// One of the server's counters; 0 while it has never counted, and none when nobody said where to ask.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn counter(&self, name: &str) -> anyhow::Result<Option<f64>> {
        let Some(url) = &self.metrics else { return Ok(None) };
        let page = async { self.http.get(url).send().await?.error_for_status()?.text().await };
        let page = page.await.with_context(|| format!("--ops-url: no metrics at {url}"))?;
        Ok(Some(value(&page, name).unwrap_or_default()))
    }
}

/// What the server has used until a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Server {
    /// Processor time, of the user and of the kernel.
    pub cpu_seconds: f64,
    /// Memory that it has in use.
    pub resident_bytes: f64,
}

fn value(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split_whitespace().next()?.parse().ok())
}

/// Seconds of processor time that this program has used; none where the kernel does not say.
pub fn own_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

/// Ticks of all processors since boot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    busy: f64,
    all: f64,
}

impl Machine {
    /// As they are now; none where the kernel does not say.
    pub fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        // What guests used is in user time already (proc(5)), so only the first eight are added up.
        let ticks: Vec<f64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
        let all = ticks.iter().sum();
        let idle = ticks.get(3)? + ticks.get(4)?;
        Some(Self { busy: all - idle, all })
    }

    /// Which share of all processors was busy since then: 0 to 1.
    pub fn busy_since(self, before: Self) -> f64 {
        let all = self.all - before.all;
        if all > 0.0 { ((self.busy - before.busy) / all).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_counter_and_not_one_that_begins_the_same() {
        let page =
            "# HELP process_cpu_seconds_total x\nprocess_cpu_seconds_total_other 9\nprocess_cpu_seconds_total 1.25\n";
        assert_eq!(value(page, SERVER_CPU), Some(1.25));
        assert_eq!(value("", SERVER_CPU), None);
    }

    #[test]
    fn shares_of_a_machine() {
        let before = Machine::parse("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1").unwrap();
        let after = Machine::parse("cpu  160 0 120 710 110 0 0 0 50 0").unwrap();
        assert_eq!(after.busy_since(before), 0.8);
        assert_eq!(before.busy_since(before), 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_can_be_read() {
        assert!(own_seconds().is_some() && Machine::read().is_some());
    }
}
