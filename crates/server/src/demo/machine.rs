//! What this machine is doing: its processes and its totals, as objects.

use highwater_publisher::{Id, Object};
use serde::Serialize;
use serde_json::value::to_raw_value;
use std::time::{SystemTime, UNIX_EPOCH};
use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Process, ProcessRefreshKind, ProcessesToUpdate, System,
    UpdateKind, Users,
};

/// Items by their place, as they are at one moment.
pub(super) type Sample = Vec<(Id, Object)>;

/// Looks at the machine; what needs two looks, such as processor time, counts from the look before.
pub(super) struct Sampler {
    system: System,
    users: Option<Users>,
}

impl Sampler {
    pub(super) fn new() -> Result<Self, sysinfo::Error> {
        // Without names of users the table is still worth having.
        Ok(Self { system: System::new()?, users: Users::new_with_refreshed_list().ok() })
    }

    pub(super) fn sample(&mut self) -> Sample {
        self.system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        self.system.refresh_memory_specifics(MemoryRefreshKind::everything());
        let wanted = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .with_user(UpdateKind::OnlyIfNotSet)
            .with_cmd(UpdateKind::OnlyIfNotSet)
            .without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);

        let host = item("host", "host", &self.host());
        let rows = self.processes().filter_map(|process| self.process(process));
        let mut sample: Sample = host.into_iter().chain(rows).collect();
        sample.sort_unstable_by(|(a, _), (b, _)| a.cmp(b)); // the table of processes has no order
        sample
    }

    /// Without threads, which some platforms list among processes.
    fn processes(&self) -> impl Iterator<Item = &Process> {
        self.system.processes().values().filter(|process| process.thread_kind().is_none())
    }

    fn process(&self, process: &Process) -> Option<(Id, Object)> {
        let (pid, started) = (process.pid().as_u32(), process.start_time());
        let user = process
            .user_id()
            .zip(self.users.as_ref())
            .and_then(|(id, users)| users.get_user_by_id(id));
        let row = Row {
            pid,
            name: &process.name().to_string_lossy(),
            cpu: tenths(process.cpu_usage()),
            memory: process.memory(),
            status: process.status().to_string().to_lowercase(),
            user: user.map(sysinfo::User::name),
            parent: process.parent().map(sysinfo::Pid::as_u32),
            started,
            command: command(process),
        };
        item("process", &format!("{pid}-{started}"), &row)
    }

    fn host(&self) -> Host {
        let system = &self.system;
        let load =
            System::load_average().map_or([0.0; 3], |load| [load.one, load.five, load.fifteen]);
        // Computed here to the second, since some platforms answer slowly.
        let boot = System::boot_time().unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Host {
            cpu: tenths(system.global_cpu_usage()),
            per_core: system.cpus().iter().map(|cpu| tenths(cpu.usage())).collect(),
            memory_used: system.used_memory(),
            memory_total: system.total_memory(),
            swap_used: system.used_swap(),
            swap_total: system.total_swap(),
            load,
            uptime: now.as_secs().saturating_sub(boot),
            processes: self.processes().count(),
            hostname: System::host_name().unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    pid: u32,
    name: &'a str,
    /// Percent of one core.
    cpu: f64,
    /// Bytes.
    memory: u64,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    parent: Option<u32>,
    /// Seconds since 1970.
    started: u64,
    command: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Host {
    cpu: f64,
    per_core: Vec<f64>,
    memory_used: u64,
    memory_total: u64,
    swap_used: u64,
    swap_total: u64,
    /// Over 1, 5 and 15 minutes.
    load: [f64; 3],
    /// Seconds.
    uptime: u64,
    processes: usize,
    hostname: String,
}

/// The program and its first argument, unless that is an option: enough to tell two processes of
/// the same program apart, and not the place where passwords stand.
fn command(process: &Process) -> String {
    let mut words = process.cmd().iter().map(|word| word.to_string_lossy());
    let Some(program) = words.next() else {
        return String::new();
    };
    let program = program.rsplit('/').next().unwrap_or_default();
    let argument = words.next().filter(|word| !word.starts_with('-')).unwrap_or_default();
    format!("{program} {argument}").trim_end().chars().take(COMMAND).collect()
}

fn item(kind: &str, key: &str, value: &impl Serialize) -> Option<(Id, Object)> {
    let raw = to_raw_value(value).ok()?;
    Some((Id::new(kind, key).ok()?, Object::try_from(&*raw).ok()?))
}

fn tenths(percent: f32) -> f64 {
    (f64::from(percent) * 10.0).round() / 10.0
}

/// Characters of a command.
const COMMAND: usize = 80;
