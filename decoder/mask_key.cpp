#include "mask_key.hpp"

extern "C" {
#include "miscadmin.h"
#include "storage/fd.h"
}

#include "source_settings.hpp"

#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace waltrail {

namespace {

constexpr char how_to_make[] =
    "Make a key with \"openssl rand -hex 32\" in a file that only the server's user may read (mode "
    "0600), and name it in the setting \"waltrail.mask_key_file\" of the source.";

void refuse_key(const char *path, const char *why) {
    ereport(ERROR, errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("mask key file \"%s\" %s", path, why),
            errhint("%s", how_to_make));
}

void refuse_long_key(const char *path) {
    refuse_key(path, psprintf("has more than %zu bytes", MaskKey::bytes_max));
}

void refuse_file_of_errno(const char *path, const char *what) {
    ereport(ERROR, errcode_for_file_access(),
            errmsg("could not %s mask key file \"%s\": %m", what, path),
            errhint("%s", how_to_make));
}

// Of the open file, not of the path, which might by then name another.
void check_file(int file, const char *path) {
    struct stat status;
    if (fstat(file, &status) != 0) refuse_file_of_errno(path, "look at");
    if (!S_ISREG(status.st_mode)) refuse_key(path, "is not a file");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        refuse_key(path, "is open to its group or to others");
}

void read_bytes(int file, const char *path, MaskKey &key) {
    while (key.size < sizeof key.bytes) {
        ssize_t count = read(file, key.bytes + key.size, sizeof key.bytes - key.size);
        if (count < 0) refuse_file_of_errno(path, "read");
        if (count == 0) return;
        key.size += static_cast<size_t>(count);
    }
    refuse_long_key(path);
}

// Editors and `openssl rand` end a file with a line end, which nobody would take for a part of the key.
void drop_line_ends(MaskKey &key) {
    while (key.size > 0 && (key.bytes[key.size - 1] == '\n' || key.bytes[key.size - 1] == '\r'))
        key.size--;
}

void check_size(const MaskKey &key, const char *path) {
    if (key.size == 0) refuse_key(path, "is empty");
    if (key.size < MaskKey::bytes_min)
        refuse_key(
            path, psprintf("has %zu bytes, at least %zu are needed", key.size, MaskKey::bytes_min));
    if (key.size > MaskKey::bytes_max) refuse_long_key(path);
}

} // namespace

const MaskKey *read_mask_key(MemoryContext context, const char *path) {
    if (*path == '\0')
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("columns are to be masked, but the source has no mask key"),
                errhint("%s", how_to_make));
    const char *absolute = is_absolute_path(path) ? path : psprintf("%s/%s", DataDir, path);
    auto *key = new (MemoryContextAllocZero(context, sizeof(MaskKey))) MaskKey();
    int file = OpenTransientFile(absolute, O_RDONLY | PG_BINARY);
    if (file < 0) refuse_file_of_errno(path, "open");
    check_file(file, path);
    read_bytes(file, path, *key);
    CloseTransientFile(file);
    drop_line_ends(*key);
    check_size(*key, path);
    return key;
}

} // namespace waltrail
