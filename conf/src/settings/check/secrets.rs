//! Settings of the master key that contradict each other.

use super::Checks;
use crate::settings::Settings;

impl Checks<'_> {
    pub(super) fn secrets(&mut self, settings: &Settings) {
        let key = &settings.secrets.master_key;
        if key.file.is_some() && key.variable.is_some() {
            let cause = "there are two places of one key: secrets.master-key.file, too";
            self.add("secrets.master-key.variable", cause, "name the file or the variable");
        }
        if key.passphrase_file.is_some() && key.file.is_none() {
            let cause = "there is no secrets.master-key.file that is under this passphrase";
            self.add("secrets.master-key.passphrase-file", cause, "name the file of the key, too");
        }
        if settings.has_peers() && !key.is_given() {
            let cause = "engines that share a database need the same master key, and none is named";
            let fix = "make one with `weir key master FILE`, copy it to every engine, and name it in \
                       secrets.master-key.file";
            // Where a person wrote that there are several.
            self.add("persistence.journal.plugin", cause, fix);
        }
    }
}
