#include "fastcgi/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <string_view>

#include "fastcgi/request_head.h"
#include "http/problem.h"
#include "ops/log.h"

namespace mbr::fastcgi {
namespace {

constexpr int kResponder = 1;  // FCGI_RESPONDER
constexpr std::size_t kMaxSkippedBytes = 16 * 1024 * 1024;

// Reads up to `size` bytes; fewer at the end of the body or after an error.
std::size_t readUpTo(FCGX_Stream* in, char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const int wanted = static_cast<int>(std::min<std::size_t>(size - done, INT_MAX));
    const int got = FCGX_GetStr(to + done, wanted, in);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void appendClean(std::string& head, std::string_view text) {
  for (const char c : text) {
    if (c != '\r' && c != '\n' && c != '\0') head.push_back(c);
  }
}

void appendHeader(std::string& head, std::string_view name, std::string_view value) {
  appendClean(head, name);
  head += ": ";
  appendClean(head, value);
  head += "\r\n";
}

std::string headOf(const http::Response& response, bool mayHaveBody) {
  std::string head;
  head.reserve(256);
  std::string status = std::to_string(response.status);
  status += ' ';
  status += http::reasonPhrase(response.status);
  appendHeader(head, "Status", status);
  if (mayHaveBody) {
    if (!response.contentType.empty()) appendHeader(head, "Content-Type", response.contentType);
    appendHeader(head, "Content-Length", std::to_string(response.bodyView().size()));
  }
  for (const auto& [name, value] : response.headers) appendHeader(head, name, value);
  head += "\r\n";
  return head;
}

bool setPeekOffset(int fd, int offset) {
  return setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) == 0;
}

// Not by its wrapper: the thread sanitizer's looks at `fd` after the hand-over, which the kernel
// does not, and reports a race with whoever closes it.
bool controlEpoll(int epollFd, int operation, int fd, epoll_event& event) {
  return syscall(SYS_epoll_ctl, epollFd, operation, fd, &event) == 0;
}

void put(std::string_view text, FCGX_Stream* out) {
  FCGX_PutStr(text.data(), static_cast<int>(text.size()), out);
}

}  // namespace

Connection::Connection(Descriptor socket) {
  FCGX_InitRequest(&request_, -1, 0);
  // libfcgi then takes the socket for a kept connection between two requests. Without a listening
  // socket it fails, instead of waiting in accept(), once the connection ends.
  request_.ipcFd = socket.release();
  request_.keepConnection = 1;
  // A closing connection is not waited for: a fast worker has no time, and the peer has all of its
  // request read by then.
  FCGX_Detach(&request_);
}

Connection::~Connection() {
  if (isOpen()) FCGX_Free(&request_, 1);
}

Connection::Head Connection::readHead(http::Request& request, Announced& announced) {
  if (!headIsSound()) {
    FCGX_Free(&request_, 1);
    return Head::kClosed;
  }
  if (FCGX_Accept_r(&request_) != 0) return Head::kClosed;
  announced = readParams(request_.envp, request);
  // Parameters may have been cut off, which libfcgi reports as an error of the stream alone.
  if (FCGX_GetError(request_.in) != 0 || request_.role != kResponder) return Head::kBroken;
  if (announced.hasMethod) return Head::kRequest;
  skipBody();
  return Head::kBroken;
}

// Looks at what has arrived, usually all of it at once, and waits while the head is unfinished.
bool Connection::headIsSound() const {
  static thread_local std::array<char, kMaxHeadBytes> seen;
  const int fd = request_.ipcFd;
  HeadCheck check = HeadCheck::kUnfinished;
  std::size_t size = 0;
  int looks = 0;
  for (; check == HeadCheck::kUnfinished && size < seen.size(); ++looks) {
    // From the second look on behind what was seen, so that there is something to wait for.
    if (looks == 1 && !setPeekOffset(fd, static_cast<int>(size))) break;
    const auto got = recv(fd, seen.data() + size, seen.size() - size, MSG_PEEK);
    if (got <= 0) break;
    check = checkHead({seen.data(), size += static_cast<std::size_t>(got)});
  }
  return check == HeadCheck::kWhole && (looks == 1 || setPeekOffset(fd, -1));
}

void Connection::readBody(std::size_t maxBytes, const Announced& announced,
                          http::Request& request) {
  using BodyState = http::Request::BodyState;
  if (!announced.contentLength) {
    request.bodyState = BodyState::kIncomplete;
    return skipBody();
  }
  if (*announced.contentLength > maxBytes) {
    request.bodyState = BodyState::kTooLarge;
    return skipBody();
  }
  request.body.resize(*announced.contentLength);
  const auto got = readUpTo(request_.in, request.body.data(), request.body.size());
  char excess = 0;
  const bool ended = readUpTo(request_.in, &excess, 1) == 0;
  if (got == request.body.size() && ended && FCGX_GetError(request_.in) == 0) return;
  request.body.clear();
  request.bodyState = BodyState::kIncomplete;
  if (!ended) skipBody();
}

void Connection::skipBody() {
  char skipped[16 * 1024];
  for (std::size_t sum = 0; sum < kMaxSkippedBytes;) {
    const auto got = readUpTo(request_.in, skipped, sizeof skipped);
    if (got == 0) return;
    sum += got;
  }
  request_.keepConnection = 0;
}

void Connection::send(const http::Response& response, bool headOnly, bool keep) {
  const bool mayHaveBody = response.status != 204 && response.status != 304;
  put(headOf(response, mayHaveBody), request_.out);
  if (mayHaveBody && !headOnly) put(response.bodyView(), request_.out);
  if (!keep) request_.keepConnection = 0;
  FCGX_Finish_r(&request_);
}

bool Connection::arm(int epollFd, bool isNew) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  event.data.ptr = this;
  const int fd = request_.ipcFd;
  handedOver_.store(true, std::memory_order_release);
  if (controlEpoll(epollFd, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, event)) return true;
  ops::logError("connection_watch_failed", {{"errno", errno}});
  return false;
}

}  // namespace mbr::fastcgi
