// The other end of an http::Reply in tests: keeps what was answered, and when.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "http/reply.h"

namespace mbr::test {

// Thread-safe. Answers that were put off (sendAt) or are only a fallback (expireAt) are kept beside
// the answer, with their times; nothing here waits for a clock.
class RecordedReply final : public http::ReplySink,
                            public std::enable_shared_from_this<RecordedReply> {
 public:
  struct Timed {
    SteadyInstant when{};
    http::Response response;
  };

  static std::shared_ptr<RecordedReply> make() { return std::make_shared<RecordedReply>(); }
  http::Reply reply() { return http::Reply(shared_from_this()); }

  // expireAt() says from now on that too many replies wait.
  void refuseWaiting() { waitingAllowed_ = false; }

  void complete(http::Response response) override { answer({{}, std::move(response)}, false); }
  void completeAt(SteadyInstant when, http::Response response) override {
    answer({when, std::move(response)}, true);
  }
  bool expireAt(SteadyInstant when, http::Response fallback) override {
    const std::lock_guard lock(mutex_);
    if (!waitingAllowed_) return false;
    fallback_ = Timed{when, std::move(fallback)};
    return true;
  }

  // The answer, sent at once or put off. Throws if none comes within 10 s.
  http::Response wait() {
    std::unique_lock lock(mutex_);
    if (!answered_.wait_for(lock, std::chrono::seconds{10}, [&] { return answer_.has_value(); })) {
      throw std::runtime_error("the request was not answered");
    }
    return answer_->response;
  }

  bool isAnswered() const {
    const std::lock_guard lock(mutex_);
    return answer_.has_value();
  }
  // When the answer is to go out, if it was put off.
  std::optional<SteadyInstant> putOffUntil() const {
    const std::lock_guard lock(mutex_);
    if (!answer_ || !putOff_) return std::nullopt;
    return answer_->when;
  }
  std::optional<Timed> fallback() const {
    const std::lock_guard lock(mutex_);
    return fallback_;
  }
  int extraAnswers() const {
    const std::lock_guard lock(mutex_);
    return extra_;
  }

 private:
  void answer(Timed timed, bool putOff) {
    {
      const std::lock_guard lock(mutex_);
      if (answer_) {
        ++extra_;
        return;
      }
      answer_ = std::move(timed);
      putOff_ = putOff;
    }
    answered_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Timed> answer_;    // guarded by mutex_
  std::optional<Timed> fallback_;  // guarded by mutex_
  bool putOff_ = false;            // guarded by mutex_
  bool waitingAllowed_ = true;     // set before use
  int extra_ = 0;                  // guarded by mutex_
};

// The value of a response header by that very name; empty if there is none.
inline std::string headerOf(const http::Response& response, std::string_view name) {
  for (const auto& [known, value] : response.headers) {
    if (known == name) return value;
  }
  return "";
}

}  // namespace mbr::test
