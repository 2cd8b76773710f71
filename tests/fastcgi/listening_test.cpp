// Where the server listens.
#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "fastcgi/running_server.h"

namespace {

using namespace mbr;
using namespace mbr::test;

void answerOk(const http::Request&, const http::Reply& reply) {
  reply.send(textResponse(200, "ok"));
}

int boundSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CPPUNIT_ASSERT_EQUAL(0, bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  CPPUNIT_ASSERT_EQUAL(0, listen(fd, 16));
  return fd;
}

// Puts `fd` on 0 and what was there back.
class AsStandardInput {
 public:
  explicit AsStandardInput(int fd) : kept_(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10)) {
    dup2(fd, STDIN_FILENO);
  }
  ~AsStandardInput() {
    if (kept_ >= 0) dup2(kept_, STDIN_FILENO);
    close(kept_);
  }
  AsStandardInput(const AsStandardInput&) = delete;
  AsStandardInput& operator=(const AsStandardInput&) = delete;

 private:
  const int kept_;
};

class ListeningTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ListeningTest);
  CPPUNIT_TEST(withoutASocketOnFd0TheErrorSaysWhatToDo);
  CPPUNIT_TEST(aSocketOnFd0IsServedAndLeftToItsOtherOwners);
  CPPUNIT_TEST(theOwnSocketIsForOwnerAndGroup);
  CPPUNIT_TEST(aStaleSocketIsReplaced);
  CPPUNIT_TEST(aSocketInUseIsLeftAlone);
  CPPUNIT_TEST(aFileThatIsNoSocketIsLeftAlone);
  CPPUNIT_TEST(aPathThatIsTooLongIsRefused);
  CPPUNIT_TEST(aMissingFolderIsAnError);
  CPPUNIT_TEST(withoutDescriptorsConnectionsWaitUntilThereAreSome);
  CPPUNIT_TEST_SUITE_END();

  const SystemClock clock_;

  Outcome startOn(const std::string& path) {
    auto options = quickOptions();
    options.socketPath = path;
    fastcgi::Server server(options, clock_, answerOk);
    return server.start();
  }

  void assertUnavailable(const Outcome& outcome, const std::string& words) {
    CPPUNIT_ASSERT(!outcome);
    CPPUNIT_ASSERT(outcome.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT_MESSAGE(outcome.error().detail,
                           outcome.error().detail.find(words) != std::string::npos);
  }

  void withoutASocketOnFd0TheErrorSaysWhatToDo() {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const AsStandardInput scope(null);
    close(null);
    assertUnavailable(startOn(""), "fd 0 is no listening socket: start with spawn-fcgi");
  }

  void aSocketOnFd0IsServedAndLeftToItsOtherOwners() {
    const TemporaryFolder folder;
    const std::string path = folder.file("given.sock");
    const int other = boundSocket(path);  // as a supervisor keeps it
    const AsStandardInput scope(other);
    fastcgi::Server server(quickOptions(), clock_, answerOk);
    CPPUNIT_ASSERT(server.start().ok());
    CPPUNIT_ASSERT_EQUAL(200, FastCgiClient(path).request(paramsFor("GET", "/")).status);
    server.stop();

    struct stat stdinNow {};
    CPPUNIT_ASSERT_EQUAL(0, fstat(STDIN_FILENO, &stdinNow));
    CPPUNIT_ASSERT(S_ISCHR(stdinNow.st_mode));
    const FastCgiClient patient(path);  // the socket still takes connections
    fcntl(other, F_SETFL, 0);
    const int accepted = accept(other, nullptr, nullptr);
    CPPUNIT_ASSERT(accepted >= 0);
    close(accepted);
    close(other);
  }

  void theOwnSocketIsForOwnerAndGroup() {
    const mode_t before = umask(0);
    RunningServer server(answerOk);
    umask(before);
    struct stat found {};
    CPPUNIT_ASSERT_EQUAL(0, stat(server.path().c_str(), &found));
    CPPUNIT_ASSERT_EQUAL(0660U, static_cast<unsigned>(found.st_mode & 07777));
  }

  void aStaleSocketIsReplaced() {
    const TemporaryFolder folder;
    const std::string path = folder.file("stale.sock");
    close(boundSocket(path));
    CPPUNIT_ASSERT(startOn(path).ok());
  }

  void aSocketInUseIsLeftAlone() {
    RunningServer server(answerOk);
    assertUnavailable(startOn(server.path()), "is in use");
    CPPUNIT_ASSERT_EQUAL(200, FastCgiClient(server.path()).request(paramsFor("GET", "/")).status);
  }

  void aFileThatIsNoSocketIsLeftAlone() {
    const TemporaryFolder folder;
    std::ofstream(folder.file("precious")) << "text";
    assertUnavailable(startOn(folder.file("precious")), "is no socket");
    std::string text;
    std::ifstream(folder.file("precious")) >> text;
    CPPUNIT_ASSERT_EQUAL(std::string("text"), text);
  }

  void aPathThatIsTooLongIsRefused() {
    assertUnavailable(startOn("/tmp/" + std::string(200, 'x')), "longer than 107 bytes");
  }

  void aMissingFolderIsAnError() {
    const TemporaryFolder folder;
    assertUnavailable(startOn(folder.file("missing/fcgi.sock")), "cannot bind");
  }

  void withoutDescriptorsConnectionsWaitUntilThereAreSome() {
    RunningServer server(answerOk);
    rlimit usual{};
    CPPUNIT_ASSERT_EQUAL(0, getrlimit(RLIMIT_NOFILE, &usual));
    rlimit tight = usual;
    const int next = dup(STDIN_FILENO);
    close(next);
    tight.rlim_cur = static_cast<rlim_t>(next) + 1;  // one more, for the client
    CPPUNIT_ASSERT_EQUAL(0, setrlimit(RLIMIT_NOFILE, &tight));
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    usleep(50000);  // time enough to fail at least once
    CPPUNIT_ASSERT_EQUAL(0, setrlimit(RLIMIT_NOFILE, &usual));
    CPPUNIT_ASSERT_EQUAL(200, client.receive().status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ListeningTest);

}  // namespace
