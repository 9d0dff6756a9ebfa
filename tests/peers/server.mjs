// node-hl7-server: refuses what is about a specimen with an odd number, takes everything else, and prints the control ID
// of each message that it is shown. It is shown, and answers, all of a connection's messages again with each new one.
// Arguments: port.
import { Server } from 'node-hl7-server'
const server = new Server({ bindAddress: '127.0.0.1' })
server.createInbound({ port: Number(process.argv[2]) }, async (request, response) => {
  const message = request.getMessage()
  const specimen = String(message.get('SPM.2'))
  console.log(String(message.get('MSH.10')))
  await response.sendResponse('13579'.includes(specimen.at(-1)) ? 'AE' : 'AA')
})
