"""python-hl7's MLLP server: refuses what is about a specimen with an odd number, takes everything else, and prints the
control ID of each message. Arguments: port."""

import asyncio
import sys

from hl7.mllp import start_hl7_server


async def serve(reader, writer):
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            is_odd = str(message.segment("SPM")(2))[-1] in "13579"
            print(message.segment("MSH")(10), flush=True)
            writer.writemessage(message.create_ack("AE" if is_odd else "AA"))
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def main():
    server = await start_hl7_server(serve, host="127.0.0.1", port=int(sys.argv[1]), encoding="utf-8")
    async with server:
        await server.serve_forever()


asyncio.run(main())
