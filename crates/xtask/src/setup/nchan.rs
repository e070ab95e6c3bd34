//! nginx with nchan, the peer of `bench server`.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt;
use crate::Result;
use crate::project::Project;

/// nginx, and its module nchan.
pub(crate) struct Nchan {
    pub(crate) nginx: PathBuf,
    pub(crate) module: PathBuf,
}

/// Debian's, installed or else unpacked.
pub(crate) fn ensure(project: &Project) -> Result<Nchan> {
    let found = |root: &Path| {
        let nginx = root.join("usr/sbin/nginx");
        let module = root.join("usr/lib/nginx/modules/ngx_nchan_module.so");
        (nginx.is_file() && module.is_file()).then_some(Nchan { nginx, module })
    };
    let folder = project.cache.join("nchan");
    if let Some(nchan) = found(Path::new("/")).or_else(|| found(&folder)) {
        return Ok(nchan);
    }
    fs::create_dir_all(&folder)?;
    apt::unpack("nginx", &folder)?;
    apt::unpack("libnginx-mod-nchan", &folder)?;
    // Whatever the settings say, nchan has nginx make a folder within this one.
    let state = Path::new("/var/lib/nginx");
    fs::create_dir_all(state).map_err(|error| {
        format!("nginx needs {}, and that cannot be made: {error}", state.display())
    })?;
    found(&folder)
        .ok_or_else(|| "Debian's packages have no nginx with nchan in the usual place".into())
}
