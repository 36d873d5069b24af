// The bytes are made again only when something in them may have changed, because they are asked for by every writing statement.
//
// The current user is the one of SET ROLE. A SECURITY DEFINER function, a foreign key's action or a deferred trigger runs as somebody
// else for a while, who is not the one that acts.
#include "capture/actor.hpp"

extern "C" {
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
}

#include "capture/compat.hpp"

#include "decoder/context_memory.hpp"

#include "wire/capture_message.hpp"

#include <netinet/in.h>

#include <type_traits>

namespace waltrail {

namespace {

// Of a certificate it may be longer; the fields together must stay below wire::actor_bytes_max.
constexpr size_t system_user_bytes_max = 1024;

// What the bytes were made of, and the bytes.
struct Known {
    Oid session_user;
    Oid current_user;
    char application_name[NAMEDATALEN];
    wire::Buffer bytes;
    uint32_t generation;
    uint32_t renames; // when its names were looked up
};
static_assert(std::is_trivially_destructible_v<Known>);
Known known; // of this session

// How often a role may have been renamed: also while names are looked up, which hears of renames.
uint32_t renames = 1;

void forget_names(Datum, int, uint32) { renames++; }

bool is_still_known() {
    return known.renames == renames && known.session_user == GetSessionUserId() &&
           known.current_user == GetOuterUserId() &&
           strcmp(known.application_name, application_name) == 0;
}

// Null where there is no such role any more. In the memory of whoever asks, to be freed: a statement may ask for each of its rows.
char *name_of(Oid role) { return GetUserNameFromId(role, true); }

std::string_view view_of(const char *name) { return name == nullptr ? std::string_view() : name; }

void free_name(char *name) {
    if (name != nullptr) pfree(name);
}

// Empty for a Unix socket.
std::string_view client_addr() {
    static char address[INET6_ADDRSTRLEN];
    static bool is_read = false;
    if (is_read) return address;
    LOCAL_FCINFO(call, 0);
    InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
    Datum inet = inet_client_addr(call);
    if (!call->isnull)
        strlcpy(address, DatumGetCString(DirectFunctionCall1(inet_out, inet)), sizeof address);
    is_read = true;
    return address;
}

[[gnu::cold]] void make_bytes() {
    if (known.bytes.allocator.owner == nullptr) known.bytes = buffer_in(TopMemoryContext);
    Oid session_user = GetSessionUserId(), current_user = GetOuterUserId();
    Oid authenticated_user = GetAuthenticatedUserId();
    uint32_t renames_before = renames;
    char *session_name = name_of(session_user);
    char *current_name = current_user != session_user ? name_of(current_user) : nullptr;
    char *authenticated_name =
        authenticated_user != session_user ? name_of(authenticated_user) : nullptr;
    const char *system_user = compat::system_user();
    wire::Actor actor;
    actor.session_user = view_of(session_name);
    actor.current_user = view_of(current_name);
    actor.authenticated_user = view_of(authenticated_name);
    if (system_user != nullptr)
        actor.system_user = {system_user, strnlen(system_user, system_user_bytes_max)};
    actor.client_addr = client_addr();
    actor.application_name = application_name;
    known.renames = 0; // no names, until the bytes are whole
    known.bytes.clear();
    append_actor(known.bytes, actor);
    free_name(session_name);
    free_name(current_name);
    free_name(authenticated_name);
    known.session_user = session_user;
    known.current_user = current_user;
    strlcpy(known.application_name, application_name, sizeof known.application_name);
    known.generation++;
    known.renames = renames_before;
}

} // namespace

ActorFields actor_fields() {
    if (!is_still_known()) make_bytes();
    return {known.bytes.view(), known.generation};
}

void watch_actors() { CacheRegisterSyscacheCallback(AUTHOID, forget_names, 0); }

} // namespace waltrail
