// A file appears under its name with all its bytes or not at all, and two processes that make one at once end with the same: it is
// written under another name, and link() refuses a name that is taken.
//
// Plain system calls: the postmaster asks before its virtual files are set up, and no error may leave a descriptor open.
#include "capture/actor_key.hpp"

extern "C" {
#include "common/file_perm.h"
#include "miscadmin.h"
#include "storage/fd.h"
}

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace waltrail {

namespace {

constexpr char file_name[] =
    "waltrail_actor.key"; // in the data directory, where server processes work

enum class Outcome { found, missing, failed };

// PostgreSQL processes are single threads: one of them reads, once.
ActorKey key;
Outcome outcome = Outcome::missing;

void warn(const char *what) {
    ereport(LOG, errcode_for_file_access(),
            errmsg("could not %s file \"%s\" of the data directory: %m", what, file_name),
            errdetail("Changes are recorded without an actor."));
}

Outcome fail(const char *what) {
    warn(what);
    return Outcome::failed;
}

Outcome check_and_read(int file) {
    struct stat status;
    if (fstat(file, &status) != 0) return fail("look at");
    // In a data directory that its group may read, copies of the server make all files so.
    bool is_open =
        (status.st_mode & (S_IRWXG | S_IRWXO) & ~static_cast<mode_t>(pg_file_create_mode)) != 0;
    if (!S_ISREG(status.st_mode) || is_open ||
        status.st_size != static_cast<off_t>(ActorKey::size)) {
        ereport(LOG, errcode(ERRCODE_CONFIG_FILE_ERROR),
                errmsg("file \"%s\" of the data directory is no key", file_name),
                errdetail("Changes are recorded without an actor."),
                errhint("It must have %zu bytes and be closed to its group and to others (mode "
                        "0600). Remove it, and the next start of the server makes a new one.",
                        ActorKey::size));
        return Outcome::failed;
    }
    if (read(file, key.bytes, sizeof key.bytes) != static_cast<ssize_t>(sizeof key.bytes))
        return fail("read");
    return Outcome::found;
}

Outcome read_key() {
    int file = open(file_name, O_RDONLY | O_CLOEXEC | PG_BINARY);
    if (file < 0) return errno == ENOENT ? Outcome::missing : fail("open");
    Outcome found = check_and_read(file);
    close(file);
    return found;
}

bool write_bytes(int file, const ActorKey &bytes) {
    return write(file, bytes.bytes, sizeof bytes.bytes) ==
               static_cast<ssize_t>(sizeof bytes.bytes) &&
           pg_fsync(file) == 0;
}

// Whether a file has the name afterwards, this one or another's.
bool put_in_place(const char *temporary) {
    if (link(temporary, file_name) != 0 && errno != EEXIST) return false;
    unlink(temporary);
    fsync_fname_ext(".", true, true, LOG);
    return true;
}

Outcome make_key() {
    ActorKey fresh;
    if (!pg_strong_random(fresh.bytes, sizeof fresh.bytes)) return fail("make random bytes for");
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.%d", file_name, static_cast<int>(getpid()));
    unlink(temporary); // of a process that had this number and ended here
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | PG_BINARY, 0600);
    if (file < 0) return fail("create");
    bool written = write_bytes(file, fresh);
    close(file);
    if (!written || !put_in_place(temporary)) {
        warn("write");
        unlink(temporary);
        return Outcome::failed;
    }
    return read_key();
}

} // namespace

const ActorKey *actor_key(MissingKey missing) {
    if (outcome == Outcome::missing) outcome = read_key();
    if (outcome == Outcome::missing && missing == MissingKey::make) outcome = make_key();
    return outcome == Outcome::found ? &key : nullptr;
}

} // namespace waltrail
