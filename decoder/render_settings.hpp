// The settings under which output functions run, so that a value's text does not depend on who decodes it: roles and
// databases have their own. They hold until the end of the transaction that the reorder buffer wraps around the replay,
// and that it always aborts, also after an error: AtEOXact_GUC() then restores what was before.
#pragma once

namespace waltrail {

// To be called inside the replay of a transaction; sets only what differs. Returns the level for
// restore_settings(), or 0 when there was nothing to set.
int apply_render_settings();

void restore_settings(int level);

} // namespace waltrail
