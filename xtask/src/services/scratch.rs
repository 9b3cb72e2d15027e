//! Services for one run of tests or of a measurement, and gone afterwards.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use super::{Durability, Endpoints, Given, Origin, Plan, Ports, Service, bao, endpoints, start, start_private, stop};
use crate::{
    files, http, interrupt,
    paths::Paths,
    processes::Identity,
    setup::Tools,
    steps::{Step, Steps},
};

/// How long the kernel may take to clear a killed service away.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Running services with data that are removed when this is dropped.
pub struct ScratchServices {
    services: Vec<Service>,
    folder: PathBuf,
    // How they were started, for those that are started again.
    logs: PathBuf,
    tools: Tools,
    durability: Durability,
}

impl ScratchServices {
    /// Starts those of `names` that are not given, fast and forgetful.
    pub fn start(steps: &Steps, paths: &Paths, tools: &Tools, given: &Given, names: &[&str]) -> Result<Self> {
        Self::start_with(steps, paths, tools, given, names, Durability::Scratch)
    }

    /// The same with data that are written as carefully as asked, though they are removed all the same.
    pub fn start_with(
        steps: &Steps,
        paths: &Paths,
        tools: &Tools,
        given: &Given,
        names: &[&str],
        durability: Durability,
    ) -> Result<Self> {
        sweep(paths)?;
        let own = Identity::own()?;
        let folder = paths.test().join(format!("run-{}-{}", own.pid, own.started));
        let logs = paths.logs().join("test");
        let plan = Plan { names, tools, given, durability, data: folder.clone(), logs: logs.clone() };
        // Made first, so that an error half way stops and removes what is there.
        let mut scratch = Self { services: Vec::new(), folder, logs, tools: tools.clone(), durability };
        start(steps, &plan, &mut Ports::any(), &mut scratch.services)?;
        Ok(scratch)
    }

    /// The URL of a service that was started or given.
    pub fn url(&self, name: &str) -> Result<&str> {
        let service = self.services.iter().find(|service| service.name == name);
        service.map(|service| service.url.as_str()).with_context(|| format!("{name} was not started"))
    }

    /// Where they are, when all of them were started here.
    pub fn endpoints(&self) -> Result<Endpoints> {
        endpoints(&self.services, &Given::default(), self.bao_token()?)
    }

    /// The token of a private OpenBao.
    pub fn bao_token(&self) -> Result<Option<String>> {
        let private =
            self.services.iter().any(|service| service.name == "openbao" && service.origin == Origin::Private);
        if private { bao::token(&self.folder.join("openbao")).map(Some) } else { Ok(None) }
    }

    /// Ends a service that was started here as a crash would, with all its processes, and waits until it is gone. Its data stay.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let service = self.service(name)?;
        if let Some(mut running) = service.running.take() {
            running.kill();
        }
        let port = port_of(service)?;
        let gone = interrupt::wait_for(GONE_WITHIN, || Ok(http::connect(port).is_err().then_some(())))?;
        gone.with_context(|| format!("{name} was killed and still listens on port {port}"))
    }

    /// Starts a service again that was killed, on its port and with its data, and waits until it answers.
    pub fn restart(&mut self, step: &Step<'_>, name: &str) -> Result<()> {
        let service = self.service(name)?;
        let (name, port) = (service.name, port_of(service)?);
        let (tools, given) = (self.tools.clone(), Given::default());
        let plan = Plan {
            names: &[name],
            tools: &tools,
            given: &given,
            durability: self.durability,
            data: self.folder.clone(),
            logs: self.logs.clone(),
        };
        let (running, url) = start_private(name, step, &plan, port)?;
        let service = self.service(name)?;
        (service.running, service.url) = (Some(running), url);
        Ok(())
    }

    fn service(&mut self, name: &str) -> Result<&mut Service> {
        let service = self.services.iter_mut().find(|service| service.name == name);
        let service = service.with_context(|| format!("{name} was not started"))?;
        anyhow::ensure!(service.origin == Origin::Private, "{name} is somebody else's");
        Ok(service)
    }

    /// Pids of what was started here.
    pub fn pids(&self) -> Vec<u32> {
        self.services
            .iter()
            .filter_map(|service| service.running.as_ref())
            .map(|running| running.identity.pid)
            .collect()
    }
}

impl Drop for ScratchServices {
    fn drop(&mut self) {
        stop(&mut self.services);
        // Left-overs are removed by the next run's sweep.
        let _ = files::remove(&self.folder);
    }
}

fn port_of(service: &Service) -> Result<u16> {
    let url = url::Url::parse(&service.url).with_context(|| format!("{} has no URL", service.name))?;
    url.port().with_context(|| format!("{} has no port", service.name))
}

/// Removes the data of runs that were killed.
fn sweep(paths: &Paths) -> Result<()> {
    let Ok(entries) = fs::read_dir(paths.test()) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(owner) else {
            continue;
        };
        if !owner.is_alive() {
            files::remove(&entry.path())?;
        }
    }
    Ok(())
}

fn owner(folder: &str) -> Option<Identity> {
    let (pid, started) = folder.strip_prefix("run-")?.split_once('-')?;
    Some(Identity { pid: pid.parse().ok()?, started: started.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_their_owner() {
        assert_eq!(owner("run-12-3456"), Some(Identity { pid: 12, started: 3456 }));
        assert_eq!(owner("something"), None);
    }
}
