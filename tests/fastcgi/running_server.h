// A server on a socket of its own, and the requests that its handler keeps for a test.
#pragma once

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/clock.h"
#include "fastcgi/server.h"
#include "support/fastcgi_client.h"

namespace mbr::test {

// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mbr-fcgi-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Options that make a test quick.
inline fastcgi::Options quickOptions() {
  fastcgi::Options options;
  options.drainWindow = std::chrono::milliseconds{0};
  options.stopDeadline = std::chrono::milliseconds{5000};
  return options;
}

inline http::Response textResponse(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.contentType = "text/plain";
  response.body = std::move(text);
  return response;
}

class RunningServer {
 public:
  explicit RunningServer(fastcgi::Handler handler, fastcgi::Options options = quickOptions())
      : path_(folder_.file("fcgi.sock")) {
    options.socketPath = path_;
    server_ = std::make_unique<fastcgi::Server>(std::move(options), clock_, std::move(handler));
    if (const auto started = server_->start(); !started) {
      throw std::runtime_error(started.error().detail);
    }
  }

  const std::string& path() const { return path_; }
  fastcgi::Server& server() { return *server_; }
  void destroy() { server_.reset(); }

 private:
  const TemporaryFolder folder_;
  const SystemClock clock_;
  const std::string path_;
  std::unique_ptr<fastcgi::Server> server_;
};

// Requests whose handler has returned without an answer.
class HeldCalls {
 public:
  struct Call {
    http::Request request;
    http::Reply reply;
  };

  fastcgi::Handler handler() {
    return [this](const http::Request& request, http::Reply reply) {
      const std::lock_guard lock(mutex_);
      calls_.push_back({request, std::move(reply)});
      arrived_.notify_all();
    };
  }

  // Waits for the next one.
  Call take() {
    std::unique_lock lock(mutex_);
    const auto some = [&] { return !calls_.empty(); };
    if (!arrived_.wait_for(lock, std::chrono::seconds{20}, some)) {
      throw std::runtime_error("no request arrived");
    }
    Call call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Call> calls_;
};

}  // namespace mbr::test
