"""An FTP server on a folder, for one test: PORT FOLDER [dos] [tls=PEM] [implicit]. With dos it lists as servers on Windows do, and has no MLSD."""
import os
import sys
import time

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

port, folder, *more = sys.argv[1:]


class DosListing(AbstractedFS):
    def format_list(self, basedir, listing, ignore_err=True):
        for name in listing:
            about = os.stat(os.path.join(basedir, name))
            # Of a clock in another zone, half a day away.
            when = time.strftime("%m-%d-%y  %I:%M%p", time.gmtime(about.st_mtime + 12 * 3600))
            is_folder = os.path.isdir(os.path.join(basedir, name))
            size = "<DIR>         " if is_folder else "%20d" % about.st_size
            yield ("%s %s %s\r\n" % (when, size, name)).encode("utf8")


certificate = [word[4:] for word in more if word.startswith("tls=")]
handler = TLS_FTPHandler if certificate else FTPHandler
if certificate:
    handler.certfile = certificate[0]
    handler.tls_control_required = True
    handler.tls_data_required = True
if "dos" in more:
    handler.abstracted_fs = DosListing
    commands = dict(handler.proto_cmds)
    for command in ("MLSD", "MLST"):
        del commands[command]
    handler.proto_cmds = commands
    if "bare" in more:
        for command in ("SIZE", "MDTM"):
            del commands[command]
authorizer = DummyAuthorizer()
authorizer.add_user("labwire", "invented", folder, perm="elr" if "readonly" in more else "elradfmwMT")
handler.authorizer = authorizer
FTPServer(("127.0.0.1", int(port)), handler).serve_forever()
