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
    bool is_valid;
};
Known known; // of this session

void forget_names(Datum, int, uint32) { known.is_valid = false; }

bool is_still_known() {
    return known.is_valid && known.session_user == GetSessionUserId() &&
           known.current_user == GetOuterUserId() &&
           strcmp(known.application_name, application_name) == 0;
}

std::string_view name_of(Oid role) {
    const char *name = GetUserNameFromId(role, true);
    return name == nullptr ? std::string_view() : name;
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
    const char *system_user = compat::system_user();
    wire::Actor actor;
    actor.session_user = name_of(session_user);
    if (current_user != session_user) actor.current_user = name_of(current_user);
    if (authenticated_user != session_user) actor.authenticated_user = name_of(authenticated_user);
    if (system_user != nullptr)
        actor.system_user = {system_user, strnlen(system_user, system_user_bytes_max)};
    actor.client_addr = client_addr();
    actor.application_name = application_name;
    known.bytes.clear();
    append_actor(known.bytes, actor);
    known.session_user = session_user;
    known.current_user = current_user;
    strlcpy(known.application_name, application_name, sizeof known.application_name);
    known.generation++;
    known.is_valid = true;
}

} // namespace

ActorFields actor_fields() {
    if (!is_still_known()) make_bytes();
    return {known.bytes.view(), known.generation};
}

void watch_actors() { CacheRegisterSyscacheCallback(AUTHOID, forget_names, 0); }

} // namespace waltrail
