/** Feeds in their providers' formats, cut down to a few networks. */
export const AWS = JSON.stringify({
  syncToken: '1763640786', createDate: '2026-11-20-12-13-06',
  prefixes: [
    { ip_prefix: '3.5.140.0/22', region: 'ap-northeast-2', service: 'AMAZON', network_border_group: 'ap-northeast-2' },
    { ip_prefix: '52.95.255.112/28', region: 'sa-east-1', service: 'AMAZON', network_border_group: 'sa-east-1' },
    { ip_prefix: '34.240.0.0/13', region: 'eu-west-1', service: 'AMAZON', network_border_group: 'eu-west-1' },
    { ip_prefix: '34.240.0.0/13', region: 'eu-west-1', service: 'EC2', network_border_group: 'eu-west-1' },
    { ip_prefix: '120.52.22.96/27', region: 'GLOBAL', service: 'CLOUDFRONT', network_border_group: 'GLOBAL' }
  ],
  ipv6_prefixes: [{ ipv6_prefix: '2a05:d018::/36', region: 'eu-west-1', service: 'EC2', network_border_group: 'eu-west-1' }]
})

export const GCP = JSON.stringify({
  syncToken: '1763640786000', creationTime: '2026-11-20T12:13:06.000000',
  prefixes: [{ ipv4Prefix: '34.1.208.0/20', service: 'Google Cloud', scope: 'africa-south1' }, { ipv4Prefix: '34.80.0.0/15', service: 'Google Cloud', scope: 'asia-east1' }, { ipv6Prefix: '2600:1900:8000::/44', service: 'Google Cloud', scope: 'africa-south1' }]
})

export const GOOG = JSON.stringify({ syncToken: '1', creationTime: '2026-11-20T12:13:06', prefixes: [{ ipv4Prefix: '8.8.8.0/24' }, { ipv6Prefix: '2001:4860::/32' }] })

export const AZURE = JSON.stringify({
  changeNumber: 345, cloud: 'Public',
  values: [
    { name: 'AzureCloud.westeurope', id: 'AzureCloud.westeurope', properties: { changeNumber: 60, region: 'westeurope', regionId: 18, platform: 'Azure', systemService: '', addressPrefixes: ['13.69.0.0/17', '2603:1020:206::/47'], networkFeatures: ['API', 'NSG'] } },
    { name: 'Storage.WestEurope', id: 'Storage.WestEurope', properties: { changeNumber: 7, region: 'westeurope', regionId: 18, platform: 'Azure', systemService: 'AzureStorage', addressPrefixes: ['13.69.40.0/26'], networkFeatures: ['API', 'NSG'] } },
    { name: 'AzureCloud.eastus', id: 'AzureCloud.eastus', properties: { changeNumber: 80, region: 'eastus', regionId: 32, platform: 'Azure', systemService: '', addressPrefixes: ['20.42.0.0/17'], networkFeatures: ['API', 'NSG'] } }
  ]
})

export const DIGITALOCEAN = '5.101.96.0/21,NL,NL-NH,Amsterdam,1105\n24.144.64.0/22,US,US-NJ,North Bergen,07047\n2400:6180::/48,SG,SG-05,Singapore,627753\n'
export const LINODE = '# This file is published according to RFC 8805.\n# Contact: support@linode.com\n139.162.0.0/19,SG,SG-05,Singapore,\n2600:3c00::/32,US,US-TX,Richardson,\n'
export const VULTR = JSON.stringify({ description: 'IP Geo Feed', asn: 20473, updated: '2026-11-20 00:00:00', email: 'network@vultr.com', subnets: [{ ip_prefix: '8.12.16.0/23', alpha2code: 'US', region: 'US-FL', city: 'Miami', postal_code: '33132' }, { ip_prefix: '2001:19f0:5::/48', alpha2code: 'US', region: 'US-NJ', city: 'Piscataway', postal_code: '08854' }] })
export const VULTR_CSV = '8.12.16.0/23,US,US-FL,Miami,33132\n2001:19f0:5::/48,US,US-NJ,Piscataway,08854\n'
export const ORACLE = JSON.stringify({ last_updated_timestamp: '2026-11-19T20:00:00.000000', regions: [{ region: 'us-phoenix-1', cidrs: [{ cidr: '129.146.0.0/21', tags: ['OCI'] }, { cidr: '134.70.8.0/21', tags: ['OSN', 'OBJECT_STORAGE'] }] }, { region: 'eu-frankfurt-1', cidrs: [{ cidr: '130.61.0.0/16', tags: ['OCI'] }] }] })
export const CLOUDFLARE_4 = '173.245.48.0/20\n103.21.244.0/22\n104.16.0.0/13'
export const CLOUDFLARE_6 = '2400:cb00::/32\n2606:4700::/32'
