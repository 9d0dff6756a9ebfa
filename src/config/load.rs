//! From a configuration folder to checked settings. It reads every file before it judges, so that one run names
//! every mistake; it changes nothing on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::claims::{self, Claimant};
use super::codes::{self, Codes};
use super::complaint::{Complaint, Remarks};
use super::environment::Environment;
use super::finding::{Errors, Finding, Source};
use super::instrument::Shared;
use super::profiles::Profiles;
use super::secret::Secrets;
use super::settings::{Destination, Settings, Whose};
use super::{Origin, calls, instrument, qc, reader, rules, site};
use crate::domain::call::CallPolicy;
use crate::domain::profile::Dialect;
use crate::domain::qc::{Lot, Plan};
use crate::domain::{Glob, InstrumentId, Rules};

/// A site's own analytes, beside `labwire.toml`.
const ANALYTES_FILE: &str = "analytes.toml";

impl Settings {
    /// Reads `labwire.toml`, `analytes.toml`, the rules, profiles, codes, instruments and controls of a configuration folder.
    /// Relative paths in them are relative to the folder. What the environment says comes before `labwire.toml`.
    ///
    /// # Errors
    /// Everything that is wrong in any of the files. Warnings are only of use beside settings.
    pub fn load(folder: &Path) -> Result<(Settings, Vec<Finding>), Errors> {
        Settings::load_for(folder, Secrets::Needed)
    }

    /// As [`Settings::load`], for whoever wants this with the secrets.
    ///
    /// # Errors
    /// As there.
    pub fn load_for(folder: &Path, secrets: Secrets) -> Result<(Settings, Vec<Finding>), Errors> {
        load_in(folder, &Environment::present(), secrets)
    }
}

/// As [`Settings::load`], in this environment.
pub(super) fn load_in(
    folder: &Path,
    environment: &Environment,
    secrets: Secrets,
) -> Result<(Settings, Vec<Finding>), Errors> {
    let (profiles, findings) = Profiles::shipped();
    load_with(folder, profiles, findings, (environment, secrets))
}

/// The analytes and rules alone of a folder, which needn't be a whole configuration: they are to be tried, not used.
///
/// # Errors
/// Everything that is wrong in any of their files.
pub(super) fn rules_of(folder: &Path, policy: &CallPolicy) -> Result<Rules, Errors> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut report = Report { errors: Vec::new(), warnings: Vec::new(), secrets: Secrets::Unused };
    if !folder.is_dir() {
        let name = folder.display().to_string();
        report.errors.push(Finding::about(&name, "there is no such folder"));
    }
    let rules = report.rules(&folder, policy);
    if report.errors.is_empty() && rules.checks.rules.is_empty() {
        let why = "it has no rules to try; name a folder with a rules.d like that of the configuration";
        report.errors.push(Finding::about(&folder.display().to_string(), why));
    }
    if report.errors.is_empty() { Ok(rules) } else { Err(Errors(report.errors)) }
}

/// As [`Settings::load`], with these profiles as the shipped ones.
pub(super) fn load_with(
    folder: &Path,
    mut profiles: Profiles,
    findings: Vec<Finding>,
    (environment, secrets): (&Environment, Secrets),
) -> Result<(Settings, Vec<Finding>), Errors> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    // What is changed while it is read differs from what runs then.
    let origin = Origin::of(&folder);
    let mut report = Report { errors: findings, warnings: Vec::new(), secrets };
    let site_source = report.keep(Source::open(&folder, "labwire.toml"));
    let mut site = site_source.as_ref().and_then(|source| {
        report
            .read(source, |remarks| reader::document(&source.text, remarks, |file| site::read(file, &folder)))
    });
    if let Some(site) = &mut site {
        report.errors.extend(environment.apply(site));
    }
    for source in report.sources(&folder, "profiles.d") {
        report.errors.extend(profiles.add_from_site(&source));
    }
    let policy = site.as_ref().map(|site| site.call_policy).unwrap_or_default();
    let rules = report.rules(&folder, &policy);
    let code_maps = report.code_maps(&folder, &rules);
    let shared = Shared { profiles: &profiles, analytes: &rules.analytes, code_maps: &code_maps };
    let sources = report.sources(&folder, "instruments.d");
    let instruments: Vec<(&Source, Option<instrument::Draft>)> =
        sources.iter().map(|source| (source, report.instrument(source, &folder, &shared))).collect();
    report.check_claims(site_source.as_ref().zip(site.as_ref()), &instruments);
    report.check_authority(site_source.as_ref().zip(site.as_ref()), &instruments);
    report.rules_of_nobody(&rules, &instruments);
    let lots = report.lots(&folder, &instruments);

    let drafts = instruments.into_iter().filter_map(|(_, draft)| draft?.instrument).map(Arc::new).collect();
    let settings = site.map(|site| settings(origin, site, drafts, rules, lots));
    report.warn_of_gaps(settings.as_ref());
    report.finish(settings)
}

fn settings(
    origin: Origin,
    site: site::Draft,
    instruments: Vec<Arc<super::settings::Instrument>>,
    rules: Rules,
    lots: Vec<Lot>,
) -> Settings {
    Settings {
        origin,
        site: site.site,
        journal: site.journal,
        page: site.page,
        control_socket: site.control_socket,
        log: site.log,
        reconciliation: site.reconciliation,
        backup: site.backup,
        alerts: site.alerts,
        otlp: site.otlp,
        call_steps: site.call_steps,
        trace: site.trace,
        instruments,
        rules: Arc::new(rules),
        signers: site.signers,
        suspended: site.suspended,
        destinations: site.destinations.into_iter().map(|draft| Arc::new(draft.destination)).collect(),
        orders: site.orders.into_iter().map(|draft| Arc::new(draft.source)).collect(),
        history: site.history.map(Arc::new),
        qc: Arc::new(Plan { lots, ..site.qc }),
    }
}

/// What was found so far.
struct Report {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    secrets: Secrets,
}

impl Report {
    fn keep<T>(&mut self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.errors.push(finding)).ok()
    }

    fn read<T>(&mut self, source: &Source, read: impl FnOnce(&Remarks) -> Option<T>) -> Option<T> {
        let remarks = Remarks::about(self.secrets);
        let value = read(&remarks);
        let (errors, warnings) = remarks.into_parts();
        self.errors.extend(errors.iter().map(|complaint| source.finding(complaint)));
        self.warnings.extend(warnings.iter().map(|complaint| source.finding(complaint)));
        value
    }

    /// The `.toml` files of a folder, by name. A folder that isn't there holds none.
    fn sources(&mut self, folder: &Path, name: &str) -> Vec<Source> {
        let entries = match fs::read_dir(folder.join(name)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.errors.push(Finding::about(name, format!("failed to list it: {error}")));
                return Vec::new();
            }
        };
        let mut files: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|file| !file.starts_with('.'))
            .collect();
        files.sort();
        let meant = |file: &String| file.ends_with(".disabled") || file.ends_with(".md");
        let odd = files.extract_if(.., |file| !file.ends_with(".toml")).filter(|file| !meant(file));
        self.warnings.extend(odd.map(|file| {
            let text = "this file isn't read; its name must end in .toml, or in .disabled if that is meant";
            Finding::about(&format!("{name}/{file}"), text)
        }));
        let open = |file: &String| self.keep(Source::open(folder, &format!("{name}/{file}")));
        files.iter().filter_map(open).collect()
    }

    /// The shipped analytes, with the site's own in place of those of the same name, and the rules of `rules.d`.
    fn rules(&mut self, folder: &Path, policy: &CallPolicy) -> Rules {
        let shipped = Source { name: "(shipped) analytes.toml".to_owned(), text: super::ANALYTES.to_owned() };
        let own = folder.join(ANALYTES_FILE).exists().then(|| Source::open(folder, ANALYTES_FILE));
        let own = own.and_then(|source| self.keep(source));
        let checks = self.sources(folder, rules::FOLDER);
        let called = calls::signed(policy);
        let sources: Vec<Source> = std::iter::once(shipped).chain(own).chain(checks).chain(called).collect();
        let (rules, findings) = rules::assembled(&sources);
        self.errors.extend(findings);
        rules
    }

    /// Rules that are for an instrument's results which isn't there would never be asked.
    fn rules_of_nobody(&mut self, rules: &Rules, instruments: &[(&Source, Option<instrument::Draft>)]) {
        let known: Vec<&str> = instruments.iter().map(|(source, _)| stem(source)).collect();
        if known.is_empty() {
            return;
        }
        for rule in &rules.checks.rules {
            let is_nobody = |glob: &&Glob| !known.iter().any(|name| glob.matches(name));
            for glob in rule.criteria.instruments.iter().filter(is_nobody) {
                let text = format!(
                    "no instrument is called {:?}, in instruments of rule {}",
                    glob.as_str(),
                    rule.name
                );
                self.errors.push(Finding::about(&rule.place, text));
            }
        }
    }

    /// The lots of every file of `qc.d`. They name instruments that there are.
    fn lots(&mut self, folder: &Path, instruments: &[(&Source, Option<instrument::Draft>)]) -> Vec<Lot> {
        let known: BTreeSet<&str> = instruments.iter().map(|(source, _)| stem(source)).collect();
        let (mut lots, mut claims) = (Vec::new(), Vec::new());
        for source in self.sources(folder, qc::FOLDER) {
            let read = self.read(&source, |remarks| {
                reader::document(&source.text, remarks, |file| qc::read_lots(file, &source.name, &mut claims))
            });
            let Some((read, named)) = read else { continue };
            lots.extend(read);
            self.errors.extend(claims::unknown_names(&source, &named, &known));
        }
        lots
    }

    /// The files of `codes.d`, by name.
    fn code_maps(&mut self, folder: &Path, rules: &Rules) -> BTreeMap<String, Codes> {
        let sources = self.sources(folder, "codes.d").into_iter();
        let map = |source: Source| {
            let name = stem(&source).to_owned();
            if let Err(message) = super::id("a code map's file name", &name) {
                self.errors.push(Finding::about(&source.name, message));
            }
            let codes = self.read(&source, |remarks| {
                reader::document(&source.text, remarks, |file| codes::read(file, &rules.analytes))
            });
            (name, codes.unwrap_or_default())
        };
        sources.map(map).collect()
    }

    fn instrument(
        &mut self,
        source: &Source,
        folder: &Path,
        shared: &Shared<'_>,
    ) -> Option<instrument::Draft> {
        let id = stem(source);
        if let Err(message) = super::id("an instrument's file name", id) {
            self.errors.push(Finding::about(&source.name, message));
        }
        let id = InstrumentId::new(id);
        self.read(source, |remarks| {
            reader::document(&source.text, remarks, |file| instrument::read(&id, file, folder, shared))
        })
    }

    fn check_claims(
        &mut self,
        site: Option<(&Source, &site::Draft)>,
        instruments: &[(&Source, Option<instrument::Draft>)],
    ) {
        let claimants: Vec<Claimant<'_>> = instruments
            .iter()
            .filter_map(|(source, draft)| Some(Claimant { source, claim: draft.as_ref()?.claim.as_ref()? }))
            .collect();
        self.errors.extend(claims::between_instruments(&claimants));
        if let Some((source, site)) = site {
            self.errors.extend(claims::of_site(source, site, &claimants));
            let known: BTreeSet<String> =
                instruments.iter().map(|(source, _)| stem(source).to_owned()).collect();
            self.errors.extend(claims::unknown_instruments(source, site, &known));
        }
    }

    /// Who assigned a patient's number is told by orders, or by analyzers over HL7 (PID-3.4).
    fn check_authority(
        &mut self,
        site: Option<(&Source, &site::Draft)>,
        instruments: &[(&Source, Option<instrument::Draft>)],
    ) {
        let Some((source, site)) = site else { return };
        let may_tell = |draft: &Option<instrument::Draft>| match draft.as_ref().map(|it| &it.instrument) {
            Some(Some(instrument)) => matches!(instrument.profile.dialect, Dialect::Hl7(_)),
            // Something else is wrong there.
            Some(None) | None => true,
        };
        if instruments.iter().any(|(_, draft)| may_tell(draft)) {
            return;
        }
        let text = "nothing says who assigned a patient's number: no analyzer here speaks HL7, and there is no table [orders.…]; remove this";
        let found = site.history_authority.iter().map(|span| Complaint::new(span.clone(), text));
        self.errors.extend(found.map(|complaint| source.finding(&complaint)));
    }

    /// Warns of settings that are allowed and can't be meant for long.
    fn warn_of_gaps(&mut self, settings: Option<&Settings>) {
        let Some(settings) = settings else { return };
        if settings.instruments.is_empty() {
            self.warnings.push(Finding::about("instruments.d", "no instrument is described here"));
        }
        if settings.qc.multirule.is_some() && settings.qc.lots.is_empty() {
            let text = "[qc] judges controls, and qc.d describes no lot; every run stays not evaluated";
            self.warnings.push(Finding::about("labwire.toml", text));
        }
        if settings.destinations.is_empty() {
            let text = "no [destination.NAME] is described; results are kept and shown, and sent nowhere";
            self.warnings.push(Finding::about("labwire.toml", text));
            return;
        }
        for instrument in &settings.instruments {
            let takes = |it: &Destination| {
                it.takes.whose == Whose::Patients && it.takes.instruments.takes(&[instrument.id.as_str()])
            };
            if !settings.destinations.iter().any(|destination| takes(destination)) {
                let file = format!("instruments.d/{}.toml", instrument.id);
                self.warnings.push(Finding::about(&file, "no destination takes this instrument's results"));
            }
        }
    }

    fn finish(mut self, settings: Option<Settings>) -> Result<(Settings, Vec<Finding>), Errors> {
        self.errors.sort();
        self.warnings.sort();
        match settings {
            Some(settings) if self.errors.is_empty() => Ok((settings, self.warnings)),
            _ => Err(Errors(self.errors)),
        }
    }
}

/// A file's name without folder and extension.
fn stem(source: &Source) -> &str {
    let file = source.name.rsplit('/').next().unwrap_or_default();
    file.strip_suffix(".toml").unwrap_or(file)
}
