#include "apply/cancel_request.hpp"

#include <array>
#include <chrono>
#include <thread>

namespace waltrail {

void CancelRequest::send() {
    if (handle_ == nullptr || !is_answered()) return;
    std::packaged_task<void()> task([handle = handle_] {
        std::array<char, 256> problem{};
        PQcancel(handle.get(), problem.data(), static_cast<int>(problem.size()));
    });
    answer_ = task.get_future();
    std::thread(std::move(task)).detach();
}

bool CancelRequest::is_answered() const {
    return !answer_.valid() ||
           answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

} // namespace waltrail
