#include "control/server_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DIRECTORY_MODE 0755
#define SOCKET_MODE 0600
/* Connections that wait to be accepted. */
#define BACKLOG 16
/* The file may be removed by its last owner between our opening and locking it: how often we open it. */
#define LOCK_TRIES 100

void server_socket_lock_path(char out[static SERVER_SOCKET_LOCK_BYTES], const char *path)
{
	(void)snprintf(out, SERVER_SOCKET_LOCK_BYTES, "%.*s.lock", SOCKET_PATH_BYTES, path);
}

/* Returns true if the path still leads to the open file. */
static bool is_at(const char *path, int fd)
{
	struct stat present, open;

	return lstat(path, &present) == 0 && fstat(fd, &open) == 0 && present.st_dev == open.st_dev &&
	       present.st_ino == open.st_ino;
}

/* Returns a descriptor that holds the lock, or negative errno; -EADDRINUSE: another process holds it. */
static int take_lock(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, SOCKET_MODE);
		int result;

		if (fd < 0)
			return -errno;
		result = fcntl(fd, F_SETLK, &lock) == 0       ? 0
		         : errno == EACCES || errno == EAGAIN ? -EADDRINUSE
		                                              : -errno;
		if (result == 0 && is_at(path, fd))
			return fd;
		(void)close(fd);
		if (result != 0)
			return result;
	}
	return -EADDRINUSE;
}

/*
 * Returns true if the path is a socket that nobody listens on. Only a refusal is certain: a daemon that is
 * busy does not accept.
 */
static bool is_left_over(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	bool result = lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) && fd >= 0 &&
	              connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
	              errno == ECONNREFUSED;

	if (fd >= 0)
		(void)close(fd);
	return result;
}

/* Binds and listens. Call this with the lock. Returns the descriptor or negative errno. */
static int bind_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	mode_t mask;
	int result;

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, path, sizeof address.sun_path);
	if (is_left_over(&address))
		(void)unlink(path);
	mask = umask(0777 & ~SOCKET_MODE);
	result = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
	(void)umask(mask);
	if (result == 0 && listen(fd, BACKLOG) != 0)
		result = -errno;
	/* EADDRINUSE is for daemons: a file of another type is not one. */
	if (result == -EADDRINUSE && lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
		result = -EEXIST;
	if (result == 0)
		return fd;
	(void)close(fd);
	return result;
}

static void remember_inode(struct server_socket *out)
{
	struct stat status;

	if (lstat(out->path, &status) == 0) {
		out->device = status.st_dev;
		out->inode = status.st_ino;
	}
}

/* Finds the path and makes its directory. */
static int prepare(char path[static SOCKET_PATH_BYTES], const char *name,
                   char problem[static SERVER_SOCKET_PROBLEM_BYTES])
{
	char directory[SOCKET_PATH_BYTES];
	bool is_made_by_us;
	int result = socket_path_make(path, name);

	if (!socket_path_directory(directory, &is_made_by_us)) {
		(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES,
		               "neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is set");
		return -ENXIO;
	}
	if (result != 0) {
		(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES,
		               "\"%s/%.200s.sock\" is too long a name; --name gives a shorter one", directory,
		               name);
		return result;
	}
	/* Services have directories below it: everybody has to come through, whatever our umask. */
	if (is_made_by_us && mkdir(directory, DIRECTORY_MODE) == 0)
		(void)chmod(directory, DIRECTORY_MODE);
	return 0;
}

int server_socket_open(struct server_socket *out, const char *name,
                       char problem[static SERVER_SOCKET_PROBLEM_BYTES])
{
	char lock_path[SERVER_SOCKET_LOCK_BYTES];
	struct server_socket socket = { .fd = -1, .lock = -1 };
	int result = prepare(socket.path, name, problem);

	*out = socket;
	if (result != 0)
		return result;
	server_socket_lock_path(lock_path, socket.path);
	socket.lock = take_lock(lock_path);
	if (socket.lock >= 0)
		socket.fd = bind_socket(socket.path);
	if (socket.fd >= 0) {
		remember_inode(&socket);
		*out = socket;
		return 0;
	}
	result = socket.lock < 0 ? socket.lock : socket.fd;
	(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES, "\"%s\": %s", socket.path,
	               result == -EADDRINUSE ? "another daemon has it" : strerror(-result));
	if (socket.lock >= 0) {
		(void)unlink(lock_path);
		(void)close(socket.lock);
	}
	return result;
}

bool server_socket_is_taken(const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char lock_path[SERVER_SOCKET_LOCK_BYTES];
	char path[SOCKET_PATH_BYTES];
	bool is_taken;
	int fd;

	if (socket_path_make(path, name) != 0)
		return false;
	server_socket_lock_path(lock_path, path);
	fd = open(lock_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	is_taken = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	(void)close(fd);
	return is_taken;
}

void server_socket_close(struct server_socket *socket)
{
	char lock_path[SERVER_SOCKET_LOCK_BYTES];
	struct stat status;

	if (socket->fd < 0)
		return;
	if (lstat(socket->path, &status) == 0 && status.st_dev == socket->device &&
	    status.st_ino == socket->inode)
		(void)unlink(socket->path);
	(void)close(socket->fd);
	/*
	 * While the lock is held: a daemon that opened the file meanwhile sees that the path leads
	 * elsewhere.
	 */
	server_socket_lock_path(lock_path, socket->path);
	if (is_at(lock_path, socket->lock))
		(void)unlink(lock_path);
	(void)close(socket->lock);
	*socket = (struct server_socket){ .fd = -1, .lock = -1 };
}
