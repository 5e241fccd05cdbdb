import { controlRoutes } from './admin-control-routes.ts'
import { directoryRoutes } from './admin-directory-routes.ts'
import { overviewRoutes } from './admin-overview-routes.ts'
import { userRoutes } from './admin-user-routes.ts'

/** `/api/admin`: for people with the role admin; every change needs fresh proof. */
export const adminRoutes = { ...userRoutes, ...directoryRoutes, ...controlRoutes, ...overviewRoutes }
