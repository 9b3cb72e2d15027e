//! A chart in a folder, rendered as Helm 3 renders it: Go's template language by the crate gtmpl-ng, with the functions that the
//! chart uses. Subcharts, `lookup`, `tpl` and `.Capabilities` are not there; a chart that used them would fail here.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    rc::Rc,
};

use anyhow::{Context as _, Result, anyhow};
use gtmpl_ng::{Context, Func, FuncError, Template, Value};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    functions::{self, argument, fault, text, value},
    values,
};

/// A chart.
pub(super) struct Chart {
    about: serde_json::Value,
    values: serde_json::Value,
    schema: serde_json::Value,
    /// By path in the chart.
    templates: BTreeMap<String, String>,
    /// What templates may read by `.Files`.
    files: BTreeMap<String, String>,
}

impl Chart {
    /// Reads one.
    pub(super) fn load(folder: &Path) -> Result<Self> {
        let yaml = |name: &str| {
            let text =
                fs::read_to_string(folder.join(name)).with_context(|| format!("cannot read the chart's {name}"))?;
            serde_yaml_ng::from_str(&text).with_context(|| format!("the chart's {name} cannot be read"))
        };
        let (mut templates, mut files) = (BTreeMap::new(), BTreeMap::new());
        collect(folder, &folder.join("templates"), &mut templates)?;
        collect(folder, &folder.join("files"), &mut files)?;
        Ok(Self {
            about: yaml("Chart.yaml")?,
            values: yaml("values.yaml")?,
            schema: yaml("values.schema.json")?,
            templates,
            files,
        })
    }

    /// Takes `text` for a file, whatever lies there.
    pub(super) fn replace_file(&mut self, path: &Path, text: &str) {
        self.files.insert(path.display().to_string(), text.to_owned());
    }

    /// All manifests with `over` over the chart's values, each with the template it came from.
    pub(super) fn render(&self, over: &serde_json::Value, release: &str, namespace: &str) -> Result<String> {
        let mut out = String::new();
        for (path, text) in self.render_each(over, release, namespace)? {
            if path.ends_with(".yaml") {
                let manifests = text.split("\n---").map(|part| part.trim_start_matches("---").trim_matches('\n'));
                for manifest in manifests.filter(|part| !part.trim().is_empty()) {
                    out.push_str(&format!("---\n# Source: {path}\n{manifest}\n"));
                }
            }
        }
        Ok(out)
    }

    /// What becomes of each template.
    fn render_each(
        &self,
        over: &serde_json::Value,
        release: &str,
        namespace: &str,
    ) -> Result<BTreeMap<String, String>> {
        let values = values::merged(&self.values, over);
        values::check(&self.schema, &values)?;
        let name = self.about["name"].as_str().context("the chart has no name")?;
        let dot = HashMap::from([
            ("Values".to_owned(), value(&values)),
            (
                "Chart".to_owned(),
                value(&json!({
                    "Name": name, "Version": self.about["version"], "AppVersion": self.about["appVersion"],
                })),
            ),
            ("Release".to_owned(), value(&json!({ "Name": release, "Namespace": namespace, "Service": "Helm" }))),
        ]);
        let templates = self.templates.iter().map(|(path, text)| (format!("{name}/{path}"), without_methods(text)));
        INCLUDES.set(Includes { templates: templates.collect(), files: self.files.clone(), ready: HashMap::new() });
        let mut rendered = BTreeMap::new();
        for path in
            self.templates.keys().filter(|path| !path.rsplit('/').next().is_some_and(|file| file.starts_with('_')))
        {
            let path = format!("{name}/{path}");
            let template =
                INCLUDES.with_borrow_mut(|includes| includes.template(&path)).map_err(|error| anyhow!("{error}"))?;
            let text = template.render(&Context::from(Value::Map(dot.clone()))).map_err(|error| anyhow!("{error}"))?;
            rendered.insert(path, text);
        }
        Ok(rendered)
    }
}

/// Adds every file below `folder` by its path in the chart.
fn collect(chart: &Path, folder: &Path, into: &mut BTreeMap<String, String>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(chart, &path, into)?;
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path.strip_prefix(chart).context("a file of the chart lies in it")?;
        into.insert(path.display().to_string(), text);
    }
    Ok(())
}

/// The documents of some YAML.
pub(super) fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    Ok(serde_yaml_ng::Deserializer::from_str(text)
        .map(|document| T::deserialize(document))
        .collect::<Result<_, _>>()?)
}

/// The template language as this crate has it knows no methods with arguments, of which the chart uses two: `.Files.Get` and
/// `.Files.Glob`, of whatever dot. They become functions.
fn without_methods(text: &str) -> String {
    let mut text = text.to_owned();
    for (method, function) in [(".Files.Get ", "filesGet "), (".Files.Glob ", "filesGlob ")] {
        while let Some(at) = text.find(method) {
            let before = text[..at].trim_end_matches(|c: char| c == '$' || c == '_' || c.is_alphanumeric()).len();
            text.replace_range(before..at + method.len(), function);
        }
    }
    text
}

/// `.Files.Get PATH`: the text, or nothing where there is no such file, as in Helm.
fn files_get(args: &[Value]) -> Result<Value, FuncError> {
    let path = text(args, 0)?;
    Ok(INCLUDES.with_borrow(|includes| includes.files.get(&path).cloned().unwrap_or_default()).into())
}

/// `.Files.Glob PATTERN`, with one star.
fn files_glob(args: &[Value]) -> Result<Value, FuncError> {
    let pattern = text(args, 0)?;
    let (before, after) = pattern.split_once('*').ok_or_else(|| fault(format!("{pattern} has no star")))?;
    let fits = |path: &str| {
        path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|star| !star.contains('/'))
    };
    let found = INCLUDES.with_borrow(|includes| {
        let files = includes.files.iter().filter(|(path, _)| fits(path));
        files.map(|(path, text)| (path.clone(), Value::from(text.as_str()))).collect()
    });
    Ok(Value::Map(found))
}

thread_local! {
    /// Functions of templates are plain functions: what those need to know that need more than arguments, they find here.
    static INCLUDES: RefCell<Includes> = RefCell::default();
}

/// The templates and files of the chart that is being rendered.
#[derive(Default)]
struct Includes {
    templates: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    ready: HashMap<String, Rc<Template>>,
}

impl Includes {
    /// A template that is `name`, by a file's path or a `define`, with all others at hand.
    fn template(&mut self, name: &str) -> Result<Rc<Template>, FuncError> {
        if let Some(template) = self.ready.get(name) {
            return Ok(Rc::clone(template));
        }
        let mut template = Template::default();
        template.add_funcs(functions::ALL);
        template.add_funcs(&[("include", include as Func), ("filesGet", files_get), ("filesGlob", files_glob)]);
        for (path, text) in &self.templates {
            template.add_template(path, text).map_err(|error| fault(format!("{path}: {error}")))?;
        }
        template.parse(format!("{{{{ template {name:?} . }}}}")).map_err(|error| fault(format!("{name}: {error}")))?;
        let template = Rc::new(template);
        self.ready.insert(name.to_owned(), Rc::clone(&template));
        Ok(template)
    }
}

/// `include NAME DOT`: the text of a template, for other functions.
fn include(args: &[Value]) -> Result<Value, FuncError> {
    let template = INCLUDES.with_borrow_mut(|includes| includes.template(&text(args, 0)?))?;
    let context = Context::from(argument(args, 1)?.clone());
    Ok(template.render(&context).map_err(|error| fault(error.to_string()))?.into())
}

#[cfg(test)]
mod tests;
